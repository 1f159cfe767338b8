"""The services: `serve` and a nightly backup, each with no more rights than it needs. Text out.

Sources: systemd.exec(5), systemd.timer(5), sysusers.d(5) of systemd 252 (Debian 12).
"""

from __future__ import annotations

from gateway.install.choices import BACKUPS, ETC, LEDGER, PAGES_TLS, Choices, File

USER = "wattwitness"
SERVICES = ("wattwitness.service", "wattwitness-backup.timer", "wattwitness-firewall.service")
_KEEP_DAYS = 60

_HARDENING = """\
User={user}
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies={families}
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
"""

_SERVE = """\
[Unit]
Description=以电为证 网关 · WattWitness gateway
After=network.target mosquitto.service time-sync.target
Wants=mosquitto.service

[Service]
Type=exec
ExecStart={program} --dir {ledger} serve
Restart=always
RestartSec=5
LimitNOFILE=16384
StateDirectory=wattwitness
StateDirectoryMode=0700
{hardening}
[Install]
WantedBy=multi-user.target
"""

_BACKUP = """\
[Unit]
Description=以电为证 夜间备份 · WattWitness nightly backup
{mounts}
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'exec {program} --dir {ledger} backup {to}/ledger-$(date +%%Y%%m%%d-%%H%%M%%S).db'
ExecStart=/bin/sh -c 'for each in {beside}; do ! test -e {ledger}/$$each || cp {ledger}/$$each {to}/; done'
ExecStart=/usr/bin/find {to} -maxdepth 1 -name ledger-*.db* -mtime +{days} -delete
StateDirectory=wattwitness
StateDirectoryMode=0700
{place}
{hardening}"""

_TIMER = """\
[Unit]
Description=以电为证 夜间备份 · WattWitness nightly backup

[Timer]
OnCalendar=*-*-* 02:30:00
RandomizedDelaySec=20min
Persistent=true

[Install]
WantedBy=timers.target
"""

_FIREWALL = """\
[Unit]
Description=以电为证 单元 Wi-Fi 的隔离 · what the units' Wi-Fi may reach
After=nftables.service
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {etc}/units.nft
ExecReload=/usr/sbin/nft -f {etc}/units.nft
ExecStop=/usr/sbin/nft delete table inet wattwitness

[Install]
WantedBy=multi-user.target
"""


def files(choices: Choices) -> list[File]:
    """The units of systemd, and the account that they run under."""
    system = "/etc/systemd/system"
    known = {"program": choices.program, "ledger": LEDGER, "to": choices.backups}
    beside = " ".join(("wattwitness.toml", "patient.key", "rules.toml", *PAGES_TLS))
    own = choices.backup_to == BACKUPS
    place = "StateDirectory=wattwitness-backup" if own else f"ReadWritePaths={choices.backups}"
    mounts = "" if own else f"RequiresMountsFor={choices.backups}\n"
    serve = _SERVE.format(hardening=_hardening(choices, "AF_INET AF_INET6 AF_UNIX"), **known)
    backup = _BACKUP.format(
        hardening=_hardening(choices, "AF_UNIX"),
        place=place,
        mounts=mounts,
        days=_KEEP_DAYS,
        beside=beside,
        **known,
    )
    return [
        File("/etc/sysusers.d/wattwitness.conf", f'u {USER} - "WattWitness" {LEDGER}\n'),
        File(f"{system}/wattwitness.service", serve),
        File(f"{system}/wattwitness-backup.service", backup),
        File(f"{system}/wattwitness-backup.timer", _TIMER),
        File(f"{system}/wattwitness-firewall.service", _FIREWALL.format(etc=ETC)),
    ]


def _hardening(choices: Choices, families: str) -> str:
    """A program that was checked out into somebody's home must be readable there."""
    at_home = choices.program.startswith(("/home/", "/root/"))
    return _HARDENING.format(user=USER, home="read-only" if at_home else "yes", families=families)
