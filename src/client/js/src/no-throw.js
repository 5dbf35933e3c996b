// The client runs in pages of others: an error in here, synchronous or not, must not reach the page.

// Wraps `action`: it drops exceptions, and rejections of the promise that it returns.
export function noThrow(action) {
  return (argument) => {
    try {
      const result = action(argument);
      return result && result.catch ? result.catch(() => {}) : result;
    } catch {}
  };
}

export function listen(target, type, action, capture) {
  target.addEventListener(type, noThrow(action), capture);
}

// A random delay between half of `delay` and one and a half, so that thousands of tabs do not act at once.
export function jittered(delay) {
  return delay * (0.5 + Math.random());
}
