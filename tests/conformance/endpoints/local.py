"""`kubelambda local` as an endpoint."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from fixtures import manifests, raw_runtime

from .base import IDLE_SECONDS, TARGET, Endpoint, eventually, scratch


class Local(Endpoint):
    """`kubelambda local` on a free port, with a folder of the manifests."""

    name = "local"

    def start(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="conformance-", dir=scratch()))
        for manifest in [raw_runtime("none"), *manifests(IDLE_SECONDS)]:
            (self.folder / f"{manifest['metadata']['name']}.yaml").write_text(json.dumps(manifest))
        # What a handler of `misbehaviour` writes to, and may be left of an earlier run.
        for left in ("/tmp/child", "/tmp/sigterm"):
            pathlib.Path(left).unlink(missing_ok=True)
        program = os.environ.get("KUBELAMBDA") or str(TARGET / "debug/kubelambda")
        self.log = open(self.folder.with_suffix(".log"), "w+")
        self.process = subprocess.Popen(
            [program, "local", str(self.folder), "--listen", "127.0.0.1:0", "--emulator", "off"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
        )
        words = "Lambda API on http://"
        def said():
            text = pathlib.Path(self.log.name).read_text()
            return text.split(words)[1].split()[0] if words in text and "Ctrl-C ends" in text else None
        self.host, port = eventually(said, f"the words '{words}' in {self.log.name}", self.process).split(":")
        self.port = int(port)

    def address(self, function):
        return self.host, self.port, self.path(function)

    def written(self, function):
        """All functions write into one log."""
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
