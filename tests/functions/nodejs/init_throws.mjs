// The module throws while it is loaded: an init error, reported by the runtime client.

throw new Error("this module does not want to be loaded");
