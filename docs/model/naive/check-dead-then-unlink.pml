/*
 * A lock file with a pid in it, as many programs have it: create it, or, if the pid in it is dead, remove it and create it.
 * Two that find the same dead holder both remove: the second removes the first one's new lock. Must fail.
 */
#define NOBODY 0
#define DEAD 9

byte lock_file = DEAD;     /* the pid in the file; NOBODY: there is no file */
byte inside = 0;

proctype contender(byte id) {
  byte seen;
again:
  if
  :: atomic { lock_file == NOBODY -> lock_file = id } /* O_EXCL */
  :: lock_file != NOBODY ->
     seen = lock_file;
     if
     :: seen == DEAD -> lock_file = NOBODY /* unlink */; goto again
     :: else -> goto refused
     fi
  fi;
  inside++;
  assert(inside == 1);
  inside--;
  lock_file = NOBODY;
refused:
  skip
}

init { atomic { run contender(1); run contender(2) } }
