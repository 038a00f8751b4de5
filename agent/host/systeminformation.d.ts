/** The memory part of systeminformation alone: its front door loads the whole library, which costs 1.3 MB. */
declare module 'systeminformation/lib/memory.js' {
  /** Bytes. Reads /proc/meminfo. */
  const memory: { mem(): Promise<{ total: number; available: number; swaptotal: number; swapfree: number }> };
  export = memory;
}
