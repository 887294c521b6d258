/*
 * The part of a wall (wall.h) that is about system calls: seccomp(2).  What is
 * refused are families of calls that no program of ours makes.
 */
#ifndef BASE_WALL_CALLS_H
#define BASE_WALL_CALLS_H

/*
 * For this process and what it starts, for good, but for the flags of wall.h:
 * killed is who traces others, mounts, loads something into the kernel, leaves
 * its namespaces, uses keyrings, io_uring, userfaultfd or perf, or executes a
 * file; refused with EPERM are sockets but Unix ones, device files and
 * set-user-ID.  It is loaded once, also when the program has executed
 * itself anew since.  Needs privilege_harden().  0; -1 with errno: it cannot be
 * had here.
 */
int	 wall_calls_forbid(unsigned int flags);

/*
 * After the first, in a child: also killed is who executes a file, and refused
 * with EPERM are signals, but abort(3), and, when the parent had WALL_EXECUTE,
 * all sockets but Unix ones.  0, also when the first could not be had; -1 with
 * errno.
 */
int	 wall_calls_forbid_rest(void);

#endif
