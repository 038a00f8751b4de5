import { sayLock } from '../values/lock-words.ts';
import type { EventBody } from '../values/report.ts';
import type { Change } from './board.ts';

/** What the fleet is told of a change of a lock; a token that only moved on is seen in the lock's own topic. Pure. */
export function lockEvents(config: string, change: Change, nowMs: number): readonly EventBody[] {
  const { token, file } = change.lock;
  switch (change.what) {
    case 'hot':
      return [{ event: 'lock-hot', config, token, reason: `${file} HOT (${sayLock(change.lock, nowMs)})` }];
    case 'cold':
      return [{ event: 'lock-cold', config, token, reason: `${file} COLD` }];
    case 'reclaimed': {
      const { oldToken, newToken, why } = change.reclaim;
      return [{ event: 'reclaimed', config, token: newToken, reason: `${why}; token ${oldToken} → ${newToken}` }];
    }
    case 'released': {
      const { oldToken, newToken, why, by } = change.reclaim;
      const reason = `released by ${by ?? 'somebody'}: ${why}; token ${oldToken} → ${newToken}`;
      return [{ event: 'released', config, token: newToken, reason }];
    }
    case 'token':
      return [];
  }
}
