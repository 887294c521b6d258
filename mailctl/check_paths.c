/* Contract in check.h: what the walls between the users are made of. */
#include <sys/stat.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mailctl/check.h"

#define PATH_LEN	4096

/*
 * Below spool-dir and run-dir.  The mode is the most that is allowed; owner
 * and group count only where the suite has its own users.
 */
static const struct place {
	bool		 spool;		/* else run */
	const char	*name;
	const char	*user, *group;
	mode_t		 mode;
} places[] = {
	{ true, "", "root", "root", 0755 },
	{ true, "tmp", "merpati-smtpd", "merpati-queue", 02770 },
	{ true, "new", "merpati-smtpd", "merpati-queue", 02770 },
	{ true, "queue", "merpati-queue", "merpati-queue", 0700 },
	{ true, "hold", "merpati-queue", "merpati-queue", 0700 },
	{ true, "trigger", "merpati-queue", "merpati-smtpd", 0620 },
	{ false, "", "root", "root", 0755 },
	{ false, "authd", "merpati-auth", "merpati-auth", 0755 },
	{ false, "keyd", "merpati-key", "merpati-key", 0755 },
	{ false, "spawner", "root", "root", 0755 },
	{ false, "queue", "merpati-queue", "merpati-queue", 0755 },
	{ false, "remote", "merpati-remote", "merpati-remote", 0755 },
	{ false, "resolver", "merpati-resolver", "merpati-resolver", 0755 },
	{ false, "tokend", "merpati-token", "merpati-token", 0755 },
	{ false, "smtpd", "merpati-smtpd", "merpati-smtpd", 0755 },
};

/* Where the accounts of the machine are users. */
static const struct place pamd = { false, "pamd", "merpati-pam",
	"merpati-pam", 0755 };

static void
check_owner(struct check *c, const char *path, const struct stat *st,
    const struct place *p)
{
	const struct passwd	*pw = getpwnam(p->user);
	const struct group	*gr;

	if (pw == NULL)
		check_error(c, "the system user %s does not exist", p->user);
	else if (st->st_uid != pw->pw_uid)
		check_error(c, "%s: belongs to uid %ld, not to %s", path,
		    (long)st->st_uid, p->user);
	gr = getgrnam(p->group);
	if (gr == NULL)
		check_error(c, "the group %s does not exist", p->group);
	else if (st->st_gid != gr->gr_gid)
		check_error(c, "%s: has group %ld, not %s", path,
		    (long)st->st_gid, p->group);
}

static void
check_place(struct check *c, const struct place *p, bool separate, uid_t all)
{
	struct stat	 st;
	char		 path[PATH_LEN];
	mode_t		 mode, more;

	snprintf(path, sizeof(path), "%s%s%s",
	    p->spool ? c->cfg->spool_dir : c->cfg->run_dir,
	    p->name[0] != '\0' ? "/" : "", p->name);
	if (stat(path, &st) == -1) {
		if (errno == EACCES)
			check_warning(c, "%s: cannot be examined by you",
			    path);
		else
			check_error(c, "%s: %s", path, strerror(errno));
		return;
	}
	if (strcmp(p->name, "trigger") == 0 ? !S_ISFIFO(st.st_mode) :
	    !S_ISDIR(st.st_mode)) {
		check_error(c, "%s: is something else than it should be",
		    path);
		return;
	}
	if (separate)
		check_owner(c, path, &st, p);
	else if (st.st_uid != all)
		check_error(c, "%s: belongs to uid %ld, the rest to %ld",
		    path, (long)st.st_uid, (long)all);
	mode = st.st_mode & 07777;
	more = mode & ~p->mode & 0777;
	if (more != 0)
		check_error(c, "%s: mode %04o allows more than %04o", path,
		    mode, p->mode);
	else if (separate && mode != p->mode)
		check_error(c, "%s: mode %04o, not %04o", path, mode,
		    p->mode);
}

/* A file that only some may read (forbidden: mode bits that must be off). */
static void
check_file(struct check *c, const char *path, mode_t forbidden,
    const char *why)
{
	struct stat	 st;

	if (stat(path, &st) == -1) {
		if (errno != ENOENT)
			check_warning(c, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode))
		check_error(c, "%s: is not a regular file", path);
	else if (st.st_mode & forbidden)
		check_error(c, "%s: mode %04o: %s", path, st.st_mode & 07777,
		    why);
}

/* What tokend needs when there is a server to be asked. */
static void
check_oauth(struct check *c)
{
	const struct config_oauth	*o = &c->cfg->oauth;
	struct stat			 st;
	char				 path[PATH_LEN];

	if (o->url == NULL)
		return;
	snprintf(path, sizeof(path), "%s/tokend", c->cfg->libexec_dir);
	if (stat(path, &st) == -1)
		check_error(c, "introspection-url: tokend is not installed "
		    "(built without libcurl or jansson): %s", path);
	if (strncasecmp(o->url, "https:", 6) == 0 && stat(o->ca_file, &st) ==
	    -1)
		check_error(c, "ca-file: %s: %s", o->ca_file, strerror(errno));
	if (o->scope == NULL || o->scope[0] == '\0')
		check_warning(c, "section oauth: without scope any token of "
		    "that server logs in");
	if (o->client_secret_file == NULL)
		return;
	if (stat(o->client_secret_file, &st) == -1 && errno == ENOENT)
		check_error(c, "client-secret-file: %s: %s",
		    o->client_secret_file, strerror(errno));
	check_file(c, o->client_secret_file, 027, "the secret is for root "
	    "and tokend alone");
}

static bool
in_group(const char *user, const char *group)
{
	const struct passwd	*pw = getpwnam(user);
	const struct group	*gr;
	gid_t			 gid[64];
	int			 n = 64, i;

	if (pw == NULL || getgrouplist(user, pw->pw_gid, gid, &n) == -1 ||
	    (gr = getgrnam(group)) == NULL)
		return false;
	for (i = 0; i < n; i++)
		if (gid[i] == gr->gr_gid)
			return true;
	return false;
}

/* What pamd needs when the accounts of this machine are users. */
static void
check_system(struct check *c, bool separate, uid_t all)
{
	struct stat	 st;
	char		 path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/pamd", c->cfg->libexec_dir);
	if (stat(path, &st) == -1)
		check_error(c, "users: pamd is not installed (built without "
		    "libpam): %s", path);
	snprintf(path, sizeof(path), "%s/pamd", c->cfg->run_dir);
	if (stat(path, &st) == -1 && errno == ENOENT) {
		check_error(c, "users: %s is not there: run make-instance "
		    "once more, as it begins to serve system accounts", path);
		return;
	}
	check_place(c, &pamd, separate, all);
	if (separate && !in_group("merpati-pam", "shadow"))
		check_warning(c, "merpati-pam is not in the group shadow: "
		    "passwords of /etc/shadow cannot be checked");
	if (stat("/etc/pam.d/merpati", &st) == -1)
		check_warning(c, "/etc/pam.d/merpati is not there: PAM's "
		    "service \"other\" decides; see pamd(8)");
	if (config_list_has(&c->cfg->authd.mechanisms, "SCRAM-SHA-256") ||
	    config_list_has(&c->cfg->authd.mechanisms, "SCRAM-SHA-256-PLUS"))
		check_warning(c, "users of the system have no keys for SCRAM, "
		    "which is offered: set mechanisms of authd without it");
}

void
check_paths(struct check *c)
{
	struct stat	 st;
	uid_t		 all = geteuid();
	bool		 there, separate;
	size_t		 i;

	/* root's spool directory is that of an instance with walls. */
	there = stat(c->cfg->spool_dir, &st) == 0;
	separate = there && st.st_uid == 0;
	if (there && !separate)
		all = st.st_uid;
	if (separate && getpwnam(c->cfg->mail_user) == NULL)
		check_error(c, "mail-user: the system user %s does not exist",
		    c->cfg->mail_user);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		check_place(c, &places[i], separate, all);
	check_file(c, c->cfg->file, 022, "whoever can write it is in charge "
	    "of the mail");
	check_file(c, c->cfg->aliases_file, 022, "whoever can write it "
	    "decides where mail goes");
	check_oauth(c);
	if (config_list_has(&c->cfg->users, "system"))
		check_system(c, separate, all);
	check_file(c, c->cfg->app_passwords_file, 027, "password hashes are "
	    "for root and authd alone");
	check_file(c, c->cfg->users_file, 027, "password hashes are for root "
	    "and authd alone");
}
