/* Contract in privilege.h. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/xmalloc.h"

#define ADMIN_GROUP	"merpati-admin"

static void
privilege_prove(uid_t uid, gid_t gid)
{
	uid_t	 r, e, s;
	gid_t	 rg, eg, sg;

	if (getresuid(&r, &e, &s) == -1 || getresgid(&rg, &eg, &sg) == -1)
		fatal("event=privilege-unknown");
	if (r != uid || e != uid || s != uid || rg != gid || eg != gid ||
	    sg != gid)
		fatalx("event=privilege-not-dropped uid=%ld", (long)uid);
	if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		fatalx("event=privilege-came-back uid=%ld", (long)uid);
}

void
privilege_drop(const char *user)
{
	struct passwd	*pw;

	if (geteuid() != 0)
		return;
	errno = 0;
	if ((pw = getpwnam(user)) == NULL)
		fatalx("event=no-such-user user=%s", log_esc(user));
	if (initgroups(user, pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		fatal("event=privilege-drop-failed user=%s", log_esc(user));
	privilege_prove(pw->pw_uid, pw->pw_gid);
}

void
privilege_drop_ids(uid_t uid, gid_t gid)
{
	if (geteuid() != 0)
		return;
	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		fatal("event=privilege-drop-failed uid=%ld", (long)uid);
	privilege_prove(uid, gid);
}

void
privilege_harden(void)
{
	struct rlimit	 none = { 0, 0 };

	umask(077);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1)
		fatal("event=harden-failed");
}

void
privilege_never_root(const char *prog)
{
	if (geteuid() == 0)
		fatalx("event=refused-root prog=%s reason=\"start it through "
		    "mailbind(8), which drops to its own user\"", prog);
}

bool
privilege_is_service(uid_t uid, const char *user)
{
	struct passwd	*pw;

	/* Only an instance whose accounts are separate can tell them apart. */
	pw = getpwnam(user);
	if (pw != NULL && pw->pw_uid == uid)
		return true;
	return uid == geteuid();
}

bool
privilege_is_admin(uid_t uid, gid_t gid)
{
	struct passwd	*pw;
	struct group	*gr;
	gid_t		 admin;
	char		*name;
	size_t		 i;
	bool		 found = false;

	if (uid == 0 || uid == geteuid())
		return true;
	if ((gr = getgrnam(ADMIN_GROUP)) == NULL)
		return false;
	admin = gr->gr_gid;
	if (gid == admin)
		return true;
	if ((pw = getpwuid(uid)) == NULL)
		return false;
	name = xstrdup(pw->pw_name);
	/* getpwuid() may have reused getgrnam()'s buffers: ask again. */
	if ((gr = getgrgid(admin)) != NULL)
		for (i = 0; gr->gr_mem[i] != NULL && !found; i++)
			found = strcmp(gr->gr_mem[i], name) == 0;
	free(name);
	return found;
}
