"""The ledger's tables and how they came to be. A step, once released, is never edited: the next one follows it.

Instants are milliseconds since 1970 UTC (`_ms`), money is in fen (`_fen`), energy and power stay inside the records.
"""

from sqlite_utils import Database, Migrations

from gateway.ledger.tables import charges, evidence, findings, people

migrations = Migrations("wattwitness")


def _step(name: str, script: str) -> None:
    @migrations(name=name)
    def apply(db: Database) -> None:
        for statement in script.split(";\n"):
            if statement.strip():
                db.execute(statement)


_step("0001_inventory", evidence.INVENTORY)
_step("0002_records", evidence.RECORDS)
_step("0003_bills", charges.BILLS)
_step("0004_verdicts", findings.VERDICTS)
_step("0005_forwarding", evidence.FORWARDING)
_step("0006_amendments", evidence.AMENDMENTS)
_step("0007_refused_and_heard", evidence.REFUSED_AND_HEARD)
_step("0008_clinics", charges.CLINICS)
_step("0009_trail", findings.TRAIL)
_step("0012_reviews", findings.REVIEWS)
_step("0010_catalogue", charges.CATALOGUE)
_step("0011_attended", charges.ATTENDED)
_step("0013_patients", charges.PATIENTS)
_step("0014_rules", findings.RULES)
_step("0015_vouched", evidence.VOUCHED)
_step("0016_trail_heads", findings.TRAIL_HEADS)
_step("0017_spans", charges.SPANS)
_step("0018_people", people.PEOPLE)
_step("0019_flags", evidence.FLAGS)
_step("0020_telling", evidence.TELLING)
