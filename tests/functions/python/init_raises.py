"""The module raises while it is imported: an init error of type RuntimeError, reported by the runtime client."""

raise RuntimeError("this module does not want to be imported")
