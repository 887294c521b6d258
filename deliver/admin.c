/* Contract in admin.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver/admin.h"
#include "deliver/report.h"

#define PATH_LEN	4096
#define ARGS		8

/* Beside ourselves, whatever link we were called by. */
static int
find_mailctl(char path[PATH_LEN])
{
	static const char	 name[] = "/mailctl";
	ssize_t			 n;
	char			*slash;

	n = readlink("/proc/self/exe", path, PATH_LEN - sizeof(name));
	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		memcpy(slash, name, sizeof(name));
		if (access(path, X_OK) == 0)
			return 0;
	}
	n = snprintf(path, PATH_LEN, "%s%s", BINDIR, name);
	return n > 0 && n < PATH_LEN ? 0 : -1;
}

/* argv wants char *, execv(3) leaves them alone. */
static char *
word(const char *s)
{
	union {
		const char	*in;
		char		*out;
	} u = { .in = s };

	return u.out;
}

int
admin_exec(const struct deliver_options *o)
{
	char	 path[PATH_LEN], *argv[ARGS];
	int	 n = 0;

	if (find_mailctl(path) == -1)
		return report(EX_UNAVAILABLE, "cannot find mailctl");
	argv[n++] = word("mailctl");
	if (o->config != NULL) {
		argv[n++] = word("-c");
		argv[n++] = word(o->config);
	}
	if (o->mode == MODE_ALIASES) {
		argv[n++] = word("alias");
		argv[n++] = word("check");
	} else {
		argv[n++] = word("queue");
		argv[n++] = word(o->mode == MODE_LIST ? "list" : "retry");
	}
	if (o->mode == MODE_FLUSH && o->flush_by == NULL)
		argv[n++] = word("--all");
	else if (o->mode == MODE_FLUSH) {
		if (o->flush_by[0] != '\0')
			argv[n++] = word(o->flush_by);
		argv[n++] = word(o->flush_what);
	}
	argv[n] = NULL;
	execv(path, argv);
	return report(EX_UNAVAILABLE, "%s: %s", path, strerror(errno));
}
