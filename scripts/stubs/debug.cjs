// In place of `debug` in the bundle: MQTT.js asks for a tracer that nobody can switch on here, and pays for it in memory.
const silent = () => {};
silent.enabled = false;
silent.extend = () => silent;
module.exports = () => silent;
