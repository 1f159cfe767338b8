"""Intake on a disk that takes its time: 5 ms more for each fsync, as on a card in a Raspberry Pi.

They are added by a library that is loaded before all others (LD_PRELOAD), to gateway and naive gateway alike; it takes a C
compiler. `python -m tests.bench.slow_disk SCALE` measures on whatever disk it finds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench import gateways
from tests.bench.chains import chains
from tests.support.tools import CHECKOUT

_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

static int slowly(const char *name, int fd) {
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, name);
    usleep(5000);
    return real(fd);
}

int fsync(int fd) { return slowly("fsync", fd); }
int fdatasync(int fd) { return slowly("fdatasync", fd); }
"""


def measured(scale: float) -> dict[str, float] | None:
    """Records a second, live and as a backlog, and those of the naive gateway; None where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        source, shim = Path(name) / "slow.c", Path(name) / "slow.so"
        source.write_text(_SHIM)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
        command = [sys.executable, "-m", "tests.bench.slow_disk", str(scale)]
        slowed = os.environ | {"LD_PRELOAD": str(shim)}
        ran = subprocess.run(command, cwd=CHECKOUT, env=slowed, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def main() -> None:
    scale = float(sys.argv[1])
    live, backlog = (chains(gateways.UNITS, max(round(count * scale), 50)) for count in (5_000, 20_000))
    few = chains(gateways.UNITS, max(round(250 * scale), 50))
    told = {
        "live": gateways.rounds(live, 1, gateways.ours)(),
        "drain": gateways.rounds(backlog, 50, gateways.ours)(),
        "naive": gateways.rounds(few, 1, gateways.naive)(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
