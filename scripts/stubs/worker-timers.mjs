// In place of `worker-timers` in the bundle: MQTT.js takes it in browsers only.
export const setInterval = globalThis.setInterval;
export const clearInterval = globalThis.clearInterval;
