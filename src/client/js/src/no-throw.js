// The client is a guest on somebody else's site: what fails in here, at once or later, stays in here.

export function guarded(action) {
  return (argument) => {
    try {
      const result = action(argument);
      return result && result.catch ? result.catch(() => {}) : result;
    } catch {}
  };
}

export function listen(target, type, action, capture) {
  target.addEventListener(type, guarded(action), capture);
}

// A delay that thousands of tabs do not share: between one half more and one half less.
export function jittered(delay) {
  return delay * (0.5 + Math.random());
}
