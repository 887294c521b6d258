/*
 * Landlock (landlock(7)) and seccomp(2) around a process that is about to read
 * what strangers send: what is taken over reaches no more than it needs.
 */
#ifndef BASE_WALL_H
#define BASE_WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wall_right {
	WALL_READ,	/* files and lists of directories */
	WALL_CHANGE	/* also made, written, renamed and removed */
};

/* What stays within reach. */
struct wall_place {
	const char	*path;
	enum wall_right	 right;
	bool		 replaced;	/* see wall_let_file() */
};

/* Zeroed it lets in nothing. */
struct wall {
	struct wall_place	*place;
	size_t			 n;
	bool			 tcp;	/* may ports be bound, connected to? */
	bool			 parent;	/* signals its own children */
	bool			 lasting;	/* serves many: raising it may
						 * cost some more */
	int			 ruleset;	/* 0: none is made */
	int64_t			 made;	/* monotonic ms */
};

/*
 * The ABI of this kernel's Landlock; 0 without it, or with the first one, in
 * which a file cannot be moved between directories.
 */
int	 wall_level(void);

/* What a program has to do that most have not. */
enum wall_calls {
	WALL_EXECUTE = 1,	/* execute itself anew */
	WALL_INET = 2,		/* sockets of IPv4 and IPv6 */
	WALL_LOOKUP = 4		/* ask for interfaces, as getaddrinfo(3) does */
};

/*
 * Once, at the start, when there are no children: forbid the system calls that
 * no program of ours makes (wall_calls.h), for good, and say in the log what
 * walls there are.
 */
void	 wall_start(unsigned int flags);

/*
 * Let in what is at path, and below if it is a directory, once it is there when
 * the wall is made.  Links are followed.  The path stays the caller's.
 */
void	 wall_let(struct wall *, const char *path, enum wall_right);
/*
 * A file to be read again when another takes its place: its directory, and that
 * to which a link leads.
 */
void	 wall_let_file(struct wall *, const char *path);
/*
 * Reading where the C library, and libraries beneath it, look for users,
 * groups, hosts and services, and for modules that do: nobody knows all that.
 */
void	 wall_let_names(struct wall *);

/*
 * Look where the places are.  Who forks does it, so that each child pays for
 * wall_raise() only; a wall that is not older than a second stays.  0, also
 * without Landlock; -1 with errno.
 */
int	 wall_make(struct wall *);

/*
 * For good, for this process and what it starts: files are opened, made,
 * renamed and removed in the wall's places only; read also in /proc and where
 * the C library looks for time zones and character sets; executed nowhere.  As
 * far as the kernel knows how, without tcp no TCP port is bound or connected to
 * (ABI 4), and nobody outside gets a signal or is reached by an abstract socket
 * (6).  Descriptors that are open stay what they are, and sockets with a
 * path are reached everywhere.  Unless Landlock can keep signals from others,
 * and if lasting, wall_calls_forbid_rest() comes with it.  Needs
 * privilege_harden().  The wall is freed.
 * 0, also without Landlock; -1 with errno: there should be a wall, and is none.
 */
int	 wall_raise(struct wall *);

/* wall_start() and wall_raise(); exits (fatal) when that fails. */
void	 wall_settle(struct wall *, unsigned int flags);

void	 wall_free(struct wall *);

#endif
