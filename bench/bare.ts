/** A bare Node process: stays, does nothing. */
setInterval(() => {}, 1_000_000);
