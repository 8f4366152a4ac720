// Handlers that fail, one kind each.

/** A function error of its own type. */
export const throws = async () => {
  throw new RangeError("as asked");
};

/**
 * A promise that nobody waits for is rejected while the handler still runs. Client 4 leaves it to Node.js, which ends
 * with status 1: Runtime.ExitError.
 */
export const unhandledRejection = async () => {
  Promise.reject(new Error("nobody waits for this"));
  await new Promise((done) => setTimeout(done, 1000));
  return "never returned";
};

/** An error outside any promise, likewise. */
export const uncaughtException = async () => {
  setTimeout(() => {
    throw new Error("thrown by a timer");
  }, 10);
  await new Promise((done) => setTimeout(done, 1000));
  return "never returned";
};

/** The process ends itself within the handler: Runtime.ExitError, exit status 5. */
export const exits = async () => process.exit(5);

/** Blocks the event loop past any time-out. */
export const spins = async () => {
  for (;;);
};

/** Never settles, and leaves nothing that would keep the process alive: Node.js ends with status 0 and no answer. */
export const neverSettles = () => new Promise(() => {});

/** A stream that breaks off after its first part. */
export const breaksStream = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("the beginning");
  await new Promise((done) => setTimeout(done, 50));
  throw new Error("in the middle of a stream");
});
