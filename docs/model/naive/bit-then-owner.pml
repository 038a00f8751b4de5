/*
 * The night of the incident: a bit says HOT, and after it the holder writes down who it is; the one that cleans up clears the
 * bit of a holder that is dead. A kill between bit and name leaves a lock that nobody has and nobody may clear. Must fail.
 */
#define NOBODY 0

bool hot = false;
byte holder = NOBODY;
bool alive = true;
bool killed = false;

proctype contender() {
  {
    atomic { !hot -> hot = true };
    holder = 1;
    holder = NOBODY;
    hot = false
  } unless {
    killed
  };
  alive = false
}

proctype killer() {
  killed = true
}

/* PID 0 could be anybody: only a named holder that is dead proves anything. */
proctype manager() {
end: do
  :: atomic { hot && holder != NOBODY && !alive -> hot = false; holder = NOBODY }
  od
}

init { atomic { run contender(); run killer(); run manager() } }

ltl no_lock_without_an_owner_for_ever { [] <> !(hot && !alive) }
