"""AWS's own emulator (RIE), out of the wheel that carries it."""

import glob
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def emulator_binary():
    """Its path; fetched once."""
    folder = ROOT / "target/tools/rie"
    if not folder.exists():
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", scratch, "aws-sam-cli"], check=True
            )
            wheel = glob.glob(f"{scratch}/*.whl")[0]
            subprocess.run(
                ["unzip", "-qjo", wheel, "*/aws-lambda-rie-x86_64", "-d", str(folder)], check=True
            )
    binary = folder / "aws-lambda-rie-x86_64"
    binary.chmod(0o755)
    return binary
