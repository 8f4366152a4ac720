"""AWS's own emulator (RIE), out of the wheel that carries it."""

import pathlib
import subprocess
import sys
import tempfile

TARGET = pathlib.Path(__file__).resolve().parents[2] / "target"
WHEEL = "aws-sam-cli==1.170.0"


def emulator_binary():
    """Its path; fetched once."""
    folder = TARGET / "tools/rie"
    binary = folder / "aws-lambda-rie-x86_64"
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=TARGET) as scratch:
            download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", scratch, WHEEL]
            subprocess.run(download, check=True)
            [wheel] = pathlib.Path(scratch).glob("*.whl")
            subprocess.run(["unzip", "-qjo", wheel, f"*/{binary.name}", "-d", folder], check=True)
    binary.chmod(0o755)
    return binary
