/* Contract in system_user.h. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

#include <bsd/string.h>

#include "lib/base/config.h"
#include "lib/base/text.h"
#include "lib/store/system_user.h"

#define LINE_MAX_OCTETS	65536	/* of an account */

static bool
name_ok(const char *name)
{
	size_t	 i;

	for (i = 0; name[i] != '\0'; i++)
		if (!text_is_alnum(name[i]) && name[i] != '_' &&
		    (i == 0 || (name[i] != '.' && name[i] != '-')))
			return false;
	return i > 0 && i <= SYSTEM_NAME_MAX;
}

/* What getpwnam_r(3) may say when there is no such account. */
static enum system_user
judge(const struct config *conf, int error, const struct passwd *pw)
{
	if (pw == NULL) {
		switch (error) {
		case 0:
		case ENOENT:
		case ESRCH:
		case EBADF:
		case EPERM:
			return SYSTEM_USER_NONE;
		default:
			errno = error;
			return SYSTEM_USER_TEMP;
		}
	}
	if (pw->pw_uid < SYSTEM_UID_MIN ||
	    pw->pw_uid < conf->spawner.min_uid ||
	    pw->pw_uid == SYSTEM_UID_NONE || pw->pw_gid == 0 ||
	    !name_ok(pw->pw_name))
		return SYSTEM_USER_NONE;
	return SYSTEM_USER_FOUND;
}

enum system_user
system_user_find(const struct config *conf, const char *name, uint32_t *uid,
    uint32_t *gid)
{
	static char	 line[LINE_MAX_OCTETS];
	struct passwd	 pw, *found = NULL;
	enum system_user st;
	int		 error;

	if (!name_ok(name))
		return SYSTEM_USER_NONE;
	do
		error = getpwnam_r(name, &pw, line, sizeof(line), &found);
	while (error == EINTR);
	st = judge(conf, error, found);
	if (st != SYSTEM_USER_FOUND)
		return st;
	/* Some services ignore case: then the name is another's. */
	if (strcmp(pw.pw_name, name) != 0)
		return SYSTEM_USER_NONE;
	*uid = pw.pw_uid;
	*gid = pw.pw_gid;
	return st;
}

enum system_user
system_user_of(const struct config *conf, uint32_t uid, char *name,
    uint32_t *gid)
{
	static char	 line[LINE_MAX_OCTETS];
	struct passwd	 pw, *found = NULL;
	enum system_user st;
	int		 error;

	do
		error = getpwuid_r(uid, &pw, line, sizeof(line), &found);
	while (error == EINTR);
	st = judge(conf, error, found);
	if (st != SYSTEM_USER_FOUND)
		return st;
	strlcpy(name, pw.pw_name, SYSTEM_NAME_MAX + 1);
	*gid = pw.pw_gid;
	return st;
}
