// Handlers that stream their response.

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Writes each of event.parts and tells when, event.pause_ms after the one before; ends as event.end says. */
export const parts = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  for (const part of event.parts) {
    stream.write(part);
    console.log("wrote", part);
    await pause(event.pause_ms ?? 0);
  }
  if (event.end === "throw") throw new TypeError("half-way");
  if (event.end === "exit") process.exit(3);
  if (event.end === "hang") await pause(60_000);
  stream.end();
});

/** Writes event.bytes bytes as fast as they are read. */
export const large = awslambda.streamifyResponse(async (event, stream) => {
  const block = Buffer.alloc(65_536, "x");
  for (let left = event.bytes; left > 0; left -= block.length) {
    const room = stream.write(block.subarray(0, Math.min(left, block.length)));
    if (!room) await new Promise((drained) => stream.once("drain", drained));
  }
  stream.end();
  console.log("wrote", event.bytes);
});

/** An HTTP response: status and headers before the body. */
export const http = awslambda.streamifyResponse(async (event, stream) => {
  const response = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "x-part": "1" } });
  response.write("created");
  response.end();
});

/** Returns the event, in one piece. */
export const plain = async (event) => event;
