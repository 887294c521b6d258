/* Contract in wall.h. */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/wall.h"
#include "lib/base/wall_calls.h"
#include "lib/base/xmalloc.h"

#define FRESH_MS	1000	/* what is where may be another soon */

/* Younger than the headers of Debian 12. */
#define FS_TRUNCATE	(1ULL << 14)	/* ABI 3 */
#define FS_IOCTL_DEV	(1ULL << 15)	/* 5 */
#define NET_BIND_TCP	(1ULL << 0)	/* 4 */
#define NET_CONNECT_TCP	(1ULL << 1)
#define SCOPE_ABSTRACT	(1ULL << 0)	/* 6 */
#define SCOPE_SIGNAL	(1ULL << 1)

/* struct landlock_ruleset_attr of ABI 6: a younger kernel takes it too. */
struct ruleset {
	uint64_t	 fs;
	uint64_t	 net;
	uint64_t	 scoped;
};

#define READS		(LANDLOCK_ACCESS_FS_READ_FILE | \
			    LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGES		(READS | LANDLOCK_ACCESS_FS_WRITE_FILE | \
			    LANDLOCK_ACCESS_FS_REMOVE_DIR | \
			    LANDLOCK_ACCESS_FS_REMOVE_FILE | \
			    LANDLOCK_ACCESS_FS_MAKE_DIR | \
			    LANDLOCK_ACCESS_FS_MAKE_REG | \
			    LANDLOCK_ACCESS_FS_MAKE_SOCK | \
			    LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)
#define OF_FILES	(LANDLOCK_ACCESS_FS_READ_FILE | \
			    LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

#ifdef __SANITIZE_ADDRESS__
#define PROC_READS	READS	/* the search for leaks lists threads */
#else
#define PROC_READS	LANDLOCK_ACCESS_FS_READ_FILE
#endif

/*
 * Time zones, the modules of iconv(3), and what the kernel tells everybody: of
 * other processes that ptrace(2) may not see it tells little.
 */
static const struct {
	const char	*path;
	uint64_t	 rights;
}	 system_places[] = {
	{ "/usr/lib", READS },
	{ "/usr/share/zoneinfo", READS },
	{ "/etc/localtime", LANDLOCK_ACCESS_FS_READ_FILE },
	{ "/proc", PROC_READS },
};

/* Where distributions keep configuration, libraries and data. */
static const char *const	 name_places[] = {
	"/etc", "/usr", "/lib", "/lib64", "/run", "/nix/store", "/gnu/store",
	"/var/lib/sss", "/var/lib/extrausers",
};

int
wall_level(void)
{
	static int	 level = -1;
	long		 abi;

	if (level == -1) {
		abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		    LANDLOCK_CREATE_RULESET_VERSION);
		level = abi < 2 ? 0 : (int)abi;
	}
	return level;
}

void
wall_start(unsigned int flags)
{
	int	 seccomp = wall_calls_forbid(flags) == 0;

	if (wall_level() == 0 && !seccomp)
		log_warnx("event=no-wall");
	else
		log_info("event=wall landlock=%d seccomp=%d", wall_level(),
		    seccomp);
}

/* What is refused unless a rule allows it. */
static uint64_t
handled(int level)
{
	uint64_t	 fs = (LANDLOCK_ACCESS_FS_REFER << 1) - 1;

	if (level >= 3)
		fs |= FS_TRUNCATE;
	if (level >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

static int
make_ruleset(int level, bool tcp)
{
	struct ruleset	 r = {
		.fs = handled(level),
		.net = tcp ? 0 : NET_BIND_TCP | NET_CONNECT_TCP,
		.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL
	};
	size_t		 size = level >= 6 ? sizeof(r) :
			    level >= 4 ? offsetof(struct ruleset, scoped) :
			    offsetof(struct ruleset, net);

	return (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
}

static int
allow(int ruleset, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr	 rule = {
		.allowed_access = rights & handled(wall_level()),
		.parent_fd = fd
	};

	return (int)syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* What is not there, or not for us, need not be let in. */
static int
allow_path(int ruleset, const char *path, uint64_t rights)
{
	struct stat	 st;
	int		 fd = open(path, O_PATH | O_CLOEXEC), r;

	if (fd == -1)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ?
		    -1 : 0;
	if ((r = fstat(fd, &st)) == 0)
		r = allow(ruleset, fd, S_ISDIR(st.st_mode) ? rights :
		    rights & OF_FILES);
	io_close(fd);
	return r;
}

/*
 * It may be replaced by rename(2), and what is new has no rule of its own.  Of
 * all directories only the root lets in too much.
 */
static int
allow_around(int ruleset, const char *path, uint64_t rights)
{
	char		*copy = xstrdup(path);
	const char	*dir = dirname(copy);
	int		 r;

	r = allow_path(ruleset, strcmp(dir, "/") == 0 ? path : dir, rights);
	free(copy);
	return r;
}

static int
allow_replaced(int ruleset, const char *path, uint64_t rights)
{
	char	*real = realpath(path, NULL);
	int	 r = allow_around(ruleset, path, rights);

	if (r == 0 && real != NULL && strcmp(real, path) != 0)
		r = allow_around(ruleset, real, rights);
	free(real);
	return r;
}

static int
allow_all(int ruleset, const struct wall *w)
{
	const struct wall_place	*p;
	uint64_t		 rights;
	size_t			 i;

	for (p = w->place; p < w->place + w->n; p++) {
		rights = p->right == WALL_READ ? READS : CHANGES;
		if ((p->replaced ? allow_replaced(ruleset, p->path, rights) :
		    allow_path(ruleset, p->path, rights)) == -1)
			return -1;
	}
	for (i = 0; i < sizeof(system_places) / sizeof(system_places[0]); i++)
		if (allow_path(ruleset, system_places[i].path,
		    system_places[i].rights) == -1)
			return -1;
	return 0;
}

static void
let(struct wall *w, struct wall_place place)
{
	w->place = xreallocarray(w->place, w->n + 1, sizeof(*w->place));
	w->place[w->n++] = place;
}

void
wall_let(struct wall *w, const char *path, enum wall_right right)
{
	let(w, (struct wall_place){ path, right, false });
}

void
wall_let_file(struct wall *w, const char *path)
{
	let(w, (struct wall_place){ path, WALL_READ, true });
}

void
wall_let_names(struct wall *w)
{
	size_t	 i;

	for (i = 0; i < sizeof(name_places) / sizeof(name_places[0]); i++)
		wall_let(w, name_places[i], WALL_READ);
}

static void
forget_ruleset(struct wall *w)
{
	if (w->ruleset > 0)
		io_close(w->ruleset);
	w->ruleset = 0;
}

int
wall_make(struct wall *w)
{
	int64_t	 now = io_monotonic_ms();

	if (wall_level() == 0 || (w->ruleset > 0 && now - w->made < FRESH_MS))
		return 0;
	forget_ruleset(w);
	if ((w->ruleset = make_ruleset(wall_level(), w->tcp)) == -1)
		return -1;
	w->made = now;
	if (allow_all(w->ruleset, w) == 0)
		return 0;
	forget_ruleset(w);
	return -1;
}

int
wall_raise(struct wall *w)
{
	bool	 rest = w->lasting || (wall_level() < 6 && !w->parent);
	int	 r = 0;

	if (wall_level() > 0)
		r = w->ruleset <= 0 && wall_make(w) == -1 ? -1 :
		    (int)syscall(SYS_landlock_restrict_self, w->ruleset, 0);
	wall_free(w);
	return r == 0 && rest ? wall_calls_forbid_rest() : r;
}

void
wall_settle(struct wall *w, unsigned int flags)
{
	wall_start(flags);
	if (wall_raise(w) == -1)
		fatal("event=wall-failed");
}

void
wall_free(struct wall *w)
{
	forget_ruleset(w);
	free(w->place);
	w->place = NULL;
	w->n = 0;
}
