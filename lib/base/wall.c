/* Contract in wall.h. */
#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/wall.h"

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
wall_tell(void)
{
	if (wall_level() == 0)
		log_warnx("event=no-wall");
	else
		log_info("event=wall landlock=%d", wall_level());
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
make_ruleset(int level)
{
	struct ruleset	 r = {
		.fs = handled(level),
		.net = NET_BIND_TCP | NET_CONNECT_TCP,
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

/* What is not there need not be read. */
static int
allow_system(int ruleset)
{
	size_t	 i;
	int	 fd, r;

	for (i = 0; i < sizeof(system_places) / sizeof(system_places[0]);
	    i++) {
		fd = open(system_places[i].path, O_PATH | O_CLOEXEC);
		if (fd == -1)
			continue;
		r = allow(ruleset, fd, system_places[i].rights);
		io_close(fd);
		if (r == -1)
			return -1;
	}
	return 0;
}

static int
allow_all(int ruleset, const int *dirfds, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (dirfds[i] != -1 &&
		    allow(ruleset, dirfds[i], CHANGES) == -1)
			return -1;
	return allow_system(ruleset);
}

int
wall_into(const int *dirfds, size_t n)
{
	int	 ruleset, r = -1;

	if (wall_level() == 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if ((ruleset = make_ruleset(wall_level())) == -1)
		return -1;
	if (allow_all(ruleset, dirfds, n) == 0)
		r = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	io_close(ruleset);
	return r;
}
