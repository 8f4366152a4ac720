"""Where the suite runs: an endpoint has a URL, and serves the functions of `fixtures`.

To add another, give it `name`, `start`, `stop`, `address(function)`, `written(function)` and `recover()`; nothing else
in the suite knows which one it talks to.
"""

from .base import TARGET, Endpoint, eventually
from .emulator import Emulator
from .local import Local
from .pod import Pod
from .url import Url

ENDPOINTS = {kind.name: kind for kind in (Local, Pod, Emulator, Url)}

__all__ = ["ENDPOINTS", "TARGET", "Endpoint", "eventually"]
