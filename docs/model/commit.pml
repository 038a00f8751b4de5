/*
 * The fence: a holder commits while a person breaks the lock (`release --break`) and somebody else gets it, and while a
 * foreign program goes for the config file itself, which the commit replaces by another inode.
 *
 * -DNO_GUARD leaves the guard out of the commit, -DNO_COVER does not lock the new file before it is renamed in: both must fail.
 */
#define NOBODY 0
#define FOREIGN 3
#define BREAKER 4

byte guard = NOBODY;
byte sidecar = 1;          /* the inode its path leads to */
byte sidecar_lock[3];      /* who has the kernel lock of inode 1, 2 */
byte record_token = 0;
byte config = 1;           /* the inode the config's path leads to; every commit makes a new one */
byte config_lock[4];
byte committing = NOBODY;

inline take_guard(id) {
#ifdef NO_GUARD
  skip
#else
  atomic { guard == NOBODY -> guard = id }
#endif
}
inline drop_guard(id) {
#ifdef NO_GUARD
  skip
#else
  guard = NOBODY
#endif
}

proctype holder(byte id) {
  byte token; byte inode; byte old; byte fresh;

  /* Acquire: guard, sidecar, inode check, then the file itself. */
  atomic { guard == NOBODY -> guard = id };
  inode = sidecar;
  if
  :: atomic { sidecar_lock[inode] == NOBODY -> sidecar_lock[inode] = id }
  :: sidecar_lock[inode] != NOBODY -> guard = NOBODY; goto refused
  fi;
  if
  :: inode == sidecar
  :: inode != sidecar -> sidecar_lock[inode] = NOBODY; guard = NOBODY; goto refused
  fi;
  old = config;
  if
  :: atomic { config_lock[old] == NOBODY -> config_lock[old] = id }
  :: config_lock[old] != NOBODY -> sidecar_lock[inode] = NOBODY; guard = NOBODY; goto refused
  fi;
  atomic { record_token++; token = record_token };
  guard = NOBODY;

  /* Commit: under the guard, and only if the lock is still ours. */
  take_guard(id);
  if
  :: record_token == token && sidecar == inode ->
     fresh = (config == 1 -> 2 : 3);
#ifndef NO_COVER
     config_lock[fresh] = id;
#endif
     atomic { committing = id; assert(record_token == token); config = fresh }; /* the rename */
     atomic { assert(record_token == token); committing = NOBODY }
  :: else
  fi;
  drop_guard(id);

  /* Release. */
  if :: fresh != 0 && config_lock[fresh] == id -> config_lock[fresh] = NOBODY :: else fi;
  config_lock[old] = NOBODY;
  sidecar_lock[inode] = NOBODY;
refused:
  skip
}

/* A person breaks the lock: a new sidecar and the next token, so that whoever had the old one fails the fence. */
proctype breaker() {
  atomic { guard == NOBODY -> guard = BREAKER };
  atomic { sidecar = 2; record_token++ };
  guard = NOBODY
}

/* A program that knows nothing of Locksmith: open, lock, write in place. */
proctype foreign() {
  byte mine;
  mine = config;
  if
  :: atomic { config_lock[mine] == NOBODY -> config_lock[mine] = FOREIGN;
       /* On an inode that has been replaced its writing harms nobody. */
       assert(mine != config || committing == NOBODY) };
     atomic { assert(mine != config || committing == NOBODY); config_lock[mine] = NOBODY }
  :: config_lock[mine] != NOBODY
  fi
}

init { atomic { run holder(1); run holder(2); run breaker(); run foreign() } }
