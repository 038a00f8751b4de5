#!/usr/bin/python3
"""A fleet server on one page: signs an update of one file, publishes it, and tells what the devices make of it.

Usage: fleet_server.py HOST:PORT KEY.pem KEY_ID ADDRESS CONFIG FILE DEVICE...
Ends when every DEVICE has come to an outcome: 0 if all have applied it, else 1. Needs paho-mqtt and cryptography.
"""
import base64, hashlib, json, os, sys, time, uuid
import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
ROOT = os.environ.get("LOCKSMITH_ROOT", "fleet")
OUTCOMES = {"applied", "refused", "failed", "rolled-back", "superseded", "withdrawn", "expired"}

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")

def sign(key, key_id, payload):
    header = {"alg": "EdDSA", "typ": "locksmith-update+jwt", "kid": key_id}
    body = b".".join(b64(json.dumps(part).encode()) for part in (header, payload))
    return body + b"." + b64(key.sign(body))

def update_of(path, address, config):
    content, now = open(path, "rb").read(), int(time.time())
    file = {"name": os.path.basename(path), "digest": "sha256:" + hashlib.sha256(content).hexdigest(),
            "encoding": "base64", "content": base64.b64encode(content).decode()}
    # The version only has to grow: the clock of a server does.
    return {"v": 1, "id": str(uuid.uuid4()), "aud": address, "config": config, "layer": "base",
            "version": now, "iat": now, "files": [file]}

def main(broker, key_path, key_id, address, config, path, *devices):
    key = load_pem_private_key(open(key_path, "rb").read(), None)
    update = update_of(path, address, config)
    ended = {}
    def on_connect(client, *_):  # Again after every reconnect: what was missed is retained.
        client.subscribe([(f"{ROOT}/v1/dev/+/{verb}", 1) for verb in ("evt", f"reported/{config}", f"lock/{config}")])
        client.publish(f"{ROOT}/v1/{address}/desired/{config}/base", sign(key, key_id, update), qos=1, retain=True)
    def on_message(client, _, message):
        device, verb = message.topic[len(ROOT):].split("/")[3:5]
        said = json.loads(message.payload)
        if verb == "evt" and said.get("update") == update["id"]:
            print(device, said["event"], said.get("code", ""), said.get("reason", ""), flush=True)
        elif verb == "lock" and said["state"] == "HOT":
            print(device, said["file"], "HOT", said["verdict"], said["holder"], flush=True)
        elif verb == "reported":
            attempt = said["last_attempt"] or {}
            # Refused with something pending is a HOT lock: it is applied by itself afterwards.
            if attempt.get("id") == update["id"] and attempt["result"] in OUTCOMES and said["pending"] is None:
                ended[device] = attempt["result"]
        if all(device in ended for device in devices):
            client.disconnect()
    client = mqtt.Client(*([mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []))
    client.on_connect, client.on_message = on_connect, on_message
    if "MQTT_CA" in os.environ:
        client.tls_set(os.environ["MQTT_CA"])
    host, port = broker.rsplit(":", 1)
    client.connect(host, int(port))
    client.loop_forever()
    return 0 if all(ended[device] == "applied" for device in devices) else 1

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 7 else __doc__)
