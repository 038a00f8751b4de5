import t from 'tap';
import { LINK_TEXTS, sayLink, stateOfEnd } from '../../agent/link/states.ts';
import type { LinkCause } from '../../agent/ports/broker.ts';
import { LINK_WORDS } from '../../agent/values/link.ts';

const end = (cause: LinkCause, connected = false) => ({ cause, connected, message: 'm' });

t.test('every cause has a state', async (t) => {
  const rows = [
    [{ kind: 'refused', code: 1 }, 'protocol-refused'],
    [{ kind: 'refused', code: 2 }, 'id-refused'],
    [{ kind: 'refused', code: 3 }, 'broker-unavailable'],
    [{ kind: 'refused', code: 4 }, 'bad-login'],
    [{ kind: 'refused', code: 5 }, 'not-authorised'],
    [{ kind: 'told', code: 142 }, 'kicked'],
    [{ kind: 'told', code: 139 }, 'broker-unavailable'],
    [{ kind: 'told', code: 255 }, 'failed'],
    [{ kind: 'silent' }, 'silent'],
    [{ kind: 'closed' }, 'closed'],
    [{ kind: 'file', path: '/x' }, 'file-unreadable'],
    [{ kind: 'not-kept' }, 'not-kept'],
    [{ kind: 'left' }, 'stopped'],
    [{ kind: 'system', code: 'ENETUNREACH' }, 'unreachable'],
    [{ kind: 'system', code: 'EAI_AGAIN' }, 'host-not-found'],
    [{ kind: 'system', code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'certificate-authority-unknown'],
    [{ kind: 'system', code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' }, 'own-certificate-refused'],
    [{ kind: 'system', code: 'ERR_OSSL_PEM_NO_START_LINE' }, 'own-certificate-unusable'],
    [{ kind: 'system', code: 'EWHATEVER' }, 'failed'],
  ] as const;
  for (const [cause, word] of rows) t.equal(stateOfEnd(end(cause), '3.1.1'), word, JSON.stringify(cause));
  t.equal(stateOfEnd(end({ kind: 'refused', code: 132 }), '5'), 'no-mqtt-5');
  t.equal(stateOfEnd(end({ kind: 'closed' }), '5'), 'no-mqtt-5', 'hung up before it was connected');
  t.equal(stateOfEnd(end({ kind: 'closed' }, true), '5'), 'closed');
});

t.test('every state has words; every trouble has a remedy', async (t) => {
  for (const word of LINK_WORDS) {
    const { words, remedy } = sayLink(word, 'the $& particulars');
    t.notMatch(words, '%');
    t.equal(words.includes('the $& particulars'), LINK_TEXTS[word].words.includes('%'));
    t.equal(remedy === null, ['connecting', 'connected', 'stopped'].includes(word), word);
  }
});
