// The module does not compile: Runtime.UserCodeSyntaxError in the init phase.

export const handler = async (event => event;
