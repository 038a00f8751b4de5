/*
 * The lock protocol of one config, for the model checker spin. See docs/locks.md for the story; `npm run model` runs it.
 *
 * Who takes part: two contenders (the agent that commits, a `hold`), a manager (boot, schedule, control file, release by a
 * person: one routine), a foreign program with flock(2), another with lockf(3), and an environment that kills anybody but the
 * strangers at any step, lets a descriptor live on in a child, reboots, and scribbles into conf_locked.
 *
 * Every run ends: each has a number of attempts, kills and so on. What holds at the end of every run, and at every step of
 * it, is checked for all interleavings.
 *
 * Three ways to get it wrong, each of which must fail: -DFLOCK_ALONE takes no OFD lock, -DDROP_FIRST lets the kernel locks go before
 * the record says free, -DSAME_TOKEN reclaims without a new token.
 */

#ifndef TRIES
#define TRIES 2    /* attempts of each contender to get the lock */
#endif
#ifndef CRASHES
#define CRASHES 2  /* kills */
#endif
#ifndef LEAKS
#define LEAKS 1    /* kills that leave the descriptor with a child */
#endif
#ifndef REBOOTS
#define REBOOTS 1
#endif
#ifndef STRANGERS
#define STRANGERS 1 /* sections of each foreign program */
#endif
#ifndef SCRIBBLES
#define SCRIBBLES 1 /* times somebody writes conf_locked by hand */
#endif
#ifndef PROBES
#define PROBES 1   /* looks of the manager that nothing calls for */
#endif

#define BLOCK 2    /* tokens set aside by one durable write */

/* Who. An open file description has its maker's number; the one that a dead contender left with a child, that plus 2. */
#define NOBODY 0
#define LEAK(id) (id + 2)
#define FLOCKER 5
#define LOCKFER 6
#define MANAGER 7

/* The kernel's part, gone with a reboot. flock and OFD locks do not see each other. */
byte guard = NOBODY;     /* flock on the guard file, held for moments */
byte sidecar_flock = NOBODY;
byte sidecar_ofd = NOBODY;

/* On tmpfs, gone with a reboot. */
bool record_there = false;
bool record_held = false;
byte record_token = 0;
bool conf_locked = false;

/* On disk: no token above it was ever given. */
byte ceiling = 0;

/* What the environment may still do. */
byte crashes = CRASHES;
byte leaks = LEAKS;
byte reboots = REBOOTS;
byte flock_rounds = STRANGERS;
byte lockf_rounds = STRANGERS;
byte scribbles = SCRIBBLES;
bool alive[8];
bool killed[8];

/* What only the checker sees. */
byte token_max = 0;      /* highest token ever given */
byte inside = 0;         /* how many of ours are in their section, a child that inherited it included */
bool leak_inside[3];     /* ... that child is */
bool inside_me[3];
bool flocker_inside = false;
bool lockfer_inside = false;
bool owned = false;      /* the record names somebody who has the lock, or is about to say that it has not */

#ifdef SAME_TOKEN
#define STEP 0
#else
#define STEP 1
#endif
#define LAST (record_there -> record_token : ceiling)
#define HOT (record_held || conf_locked)
#define OWNERLESS (HOT && !owned && !flocker_inside && !lockfer_inside && sidecar_flock != 3 && sidecar_flock != 4)

/* A token is given: by a grant or by a reclaim. */
inline give(id, token) {
#ifndef FLOCK_ALONE
  assert(sidecar_flock == id && sidecar_ofd == id && guard == id);
#endif
  assert(token > token_max);
  assert(token <= ceiling);
  token_max = token;
  record_token = token;
  record_there = true;
}

/*
 * settle(): the one routine. Leaves the guard and, if `got`, both kernel locks with `id`, and the record free and conf_locked 0.
 * Each line that touches the world is a step of its own: a kill can come between any two.
 */
inline settle(id) {
  got = false;
  atomic { guard == NOBODY -> guard = id };
  if
  :: atomic { sidecar_flock == NOBODY -> sidecar_flock = id };
#ifdef FLOCK_ALONE
     got = true
#else
     if
     :: atomic { sidecar_ofd == NOBODY -> sidecar_ofd = id; got = true }
     :: atomic { sidecar_ofd != NOBODY -> sidecar_flock = NOBODY }
     fi
#endif
  :: sidecar_flock != NOBODY
  fi;
  if
  :: atomic { got && record_held -> next = LAST + STEP };
     if
     :: atomic { next > ceiling -> ceiling = next + BLOCK - 1 }
     :: next <= ceiling
     fi;
     atomic { give(id, next); record_held = false };
     atomic { assert(guard == id); conf_locked = false }
  :: atomic { got && !record_held && conf_locked -> assert(guard == id); conf_locked = false }
  :: got && !record_held && !conf_locked
  :: atomic { !got -> assert(guard == id); conf_locked = true } /* refused: the view says HOT, nothing else is touched */
  fi;
  next = 0
}

/* Drops both kernel locks; the kernel frees one after the other. */
inline drop(id) {
  if
  :: atomic { sidecar_flock == id -> sidecar_flock = NOBODY }; sidecar_ofd = NOBODY
  :: atomic { sidecar_ofd == id -> sidecar_ofd = NOBODY }; sidecar_flock = NOBODY
  fi
}

/* The kernel cleans up after a process. */
inline free_kernel(id) {
  if :: guard == id -> guard = NOBODY :: else fi;
  if :: sidecar_flock == id -> sidecar_flock = NOBODY :: else fi;
  if :: sidecar_ofd == id -> sidecar_ofd = NOBODY :: else fi
}

proctype contender(byte id) {
  byte tries = TRIES;
  byte token = 0;
  byte next = 0;
  bool got = false;

again:
  {
    do
    :: tries > 0 ->
       tries--;
       settle(id);
       if
       :: !got -> guard = NOBODY
       :: got ->
          next = LAST + 1;
          if
          :: atomic { next > ceiling -> ceiling = next + BLOCK - 1 }
          :: next <= ceiling
          fi;
          atomic { give(id, next); record_held = true; owned = true; token = next; next = 0 };
          atomic { assert(guard == id); conf_locked = true };
          guard = NOBODY;

          /* The section. */
          atomic {
            assert(inside == 0 && !flocker_inside && !lockfer_inside);
            inside++; inside_me[id] = true
          };
          atomic { inside--; inside_me[id] = false };

#ifdef DROP_FIRST
          drop(id);
#endif
          if
          :: atomic { guard == NOBODY -> guard = id };
          :: guard != NOBODY -> goto not_written /* out of patience: the next settle finds out */
          fi;
          atomic {
            assert(record_held && record_token == token);
#if !defined(FLOCK_ALONE) && !defined(DROP_FIRST)
            assert(sidecar_flock == id && sidecar_ofd == id);
#endif
            record_held = false
          };
          atomic { assert(guard == id); conf_locked = false };
not_written:
          atomic { owned = false; token = 0 };
#ifndef DROP_FIRST
          drop(id);
#endif
          if :: atomic { guard == id -> guard = NOBODY } :: guard != id fi
       fi;
       got = false
    :: tries == 0 -> break
    od;
    alive[id] = false
  } unless {
    atomic {
      killed[id] ->
      killed[id] = false;
      if
      :: leaks > 0 && sidecar_flock == id && sidecar_ofd == id && sidecar_flock != LEAK(id) ->
         /* A child has the descriptor: both locks live on, and so does the section if it was in it. */
         leaks--;
         sidecar_flock = LEAK(id);
         sidecar_ofd = LEAK(id);
         leak_inside[id] = inside_me[id];
         if :: guard == id -> guard = NOBODY :: else fi
      :: true ->
         free_kernel(id);
         if :: inside_me[id] -> inside-- :: else fi
      fi;
      if :: token != 0 -> owned = false :: else fi;
      inside_me[id] = false;
      token = 0; next = 0; got = false;
      goto again
    }
  }
}

proctype manager() {
  byte probes = PROBES;
  byte next = 0;
  bool got = false;

end_again:
  {
end: do
    :: atomic { (HOT && sidecar_flock == NOBODY && sidecar_ofd == NOBODY && guard == NOBODY) || probes > 0 ->
         if
         :: HOT && sidecar_flock == NOBODY && sidecar_ofd == NOBODY && guard == NOBODY
         :: probes > 0 -> probes--
         fi
       };
       settle(MANAGER);
       if
       :: got -> drop(MANAGER)
       :: !got
       fi;
       got = false;
       guard = NOBODY
    od
  } unless {
    atomic {
      killed[MANAGER] ->
      killed[MANAGER] = false;
      free_kernel(MANAGER);
      next = 0; got = false;
      goto end_again
    }
  }
}

proctype environment() {
  byte who;
end: do
  :: atomic { flock_rounds > 0 && sidecar_flock == NOBODY ->
       flock_rounds--; sidecar_flock = FLOCKER; flocker_inside = true; assert(inside == 0) }
  :: atomic { flocker_inside -> flocker_inside = false; sidecar_flock = NOBODY }
  :: atomic { lockf_rounds > 0 && sidecar_ofd == NOBODY ->
       lockf_rounds--; sidecar_ofd = LOCKFER; lockfer_inside = true; assert(inside == 0) }
  :: atomic { lockfer_inside -> lockfer_inside = false; sidecar_ofd = NOBODY }
  :: atomic { sidecar_flock == LEAK(1) || sidecar_flock == LEAK(2) -> /* the child ends */
       who = sidecar_flock - 2;
       if :: leak_inside[who] -> leak_inside[who] = false; inside-- :: else fi;
       sidecar_flock = NOBODY; sidecar_ofd = NOBODY; who = 0 }
  :: atomic { scribbles > 0 -> scribbles--; conf_locked = !conf_locked }
  :: atomic { crashes > 0 ->
       if
       :: alive[1] && !killed[1] -> killed[1] = true
       :: alive[2] && !killed[2] -> killed[2] = true
       :: alive[MANAGER] && !killed[MANAGER] -> killed[MANAGER] = true
       fi;
       crashes-- }
  :: atomic { reboots > 0 -> /* every process ends, tmpfs and the kernel's memory are new */
       reboots--;
       guard = NOBODY; sidecar_flock = NOBODY; sidecar_ofd = NOBODY;
       record_there = false; record_held = false; record_token = 0; conf_locked = false;
       inside = 0; leak_inside[1] = false; leak_inside[2] = false; inside_me[1] = false; inside_me[2] = false;
       flocker_inside = false; lockfer_inside = false;
       killed[1] = alive[1]; killed[2] = alive[2]; killed[MANAGER] = true }
  od
}

/* When nobody can move any more, everybody has had its turn: the lock is COLD and nothing is left over. */
proctype monitor() {
  timeout ->
  assert(!HOT && guard == NOBODY && sidecar_flock == NOBODY && sidecar_ofd == NOBODY && !owned && inside == 0)
}

init {
  atomic {
    alive[1] = true; alive[2] = true; alive[MANAGER] = true;
    run contender(1); run contender(2); run manager(); run environment(); run monitor()
  }
}

/* No lock without an owner for ever: however a run goes on, the lock is owned or COLD again and again. */
ltl no_lock_without_an_owner_for_ever { [] <> !OWNERLESS }
