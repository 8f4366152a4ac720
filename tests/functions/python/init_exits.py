"""The module ends the process while it is imported, with status 7 and without a report: Runtime.ExitError."""

import sys

sys.exit(7)
