// A CommonJS module, as older functions are.

/** Returns the event. */
exports.echo = async (event) => event;
