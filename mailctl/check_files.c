/*
 * Contract in check.h: the files of lines that programs read.  May they, and
 * would they find errors?
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/privilege.h"
#include "lib/mail/access_table.h"
#include "lib/mail/relays.h"
#include "mailctl/check.h"

/* Try it as that user, in a process of its own: 0, or errno. */
static int
open_as(const char *user, const char *path)
{
	pid_t	 pid = fork();
	int	 status;

	if (pid == 0) {
		privilege_drop(user);
		_exit(access(path, R_OK) == 0 ? 0 : errno & 0xff);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EACCES;
}

bool
check_may_read(struct check *c, const char *program, const char *user,
    const char *path)
{
	const struct passwd	*pw = getpwnam(user);
	struct stat		 st;
	char			 dir[600];
	int			 error;

	snprintf(dir, sizeof(dir), "%s/%s", c->cfg->run_dir, program);
	if (geteuid() != 0 || pw == NULL || stat(dir, &st) == -1 ||
	    st.st_uid != pw->pw_uid || access(path, R_OK) == -1)
		return true;
	if ((error = open_as(user, path)) == 0)
		return true;
	check_error(c, "%s: %s may not read it: %s", path, program,
	    strerror(error));
	return false;
}

/* The octets of a file; false when nothing more can be said of it. */
static bool
read_list(struct check *c, const char *program, const char *user,
    const char *path, struct buf *text)
{
	if (!check_may_read(c, program, user, path))
		return false;
	if (io_read_file(AT_FDCWD, path, text) == 0)
		return true;
	if (errno == EACCES)
		check_warning(c, "%s: cannot be examined by you", path);
	else
		check_error(c, "%s: %s", path, strerror(errno));
	return false;
}

static void
check_access(struct check *c, const struct config_list *files, bool client)
{
	struct buf	 text, err;
	size_t		 i;

	buf_init(&text, ACCESS_FILE_MAX);
	buf_init(&err, 65536);
	for (i = 0; i < files->n; i++) {
		buf_clear(&text);
		if (!read_list(c, "smtpd", "merpati-smtpd", files->item[i],
		    &text))
			continue;
		access_table_free(access_table_parse(buf_slice(&text),
		    files->item[i], client, &err));
		check_lines(c, &err);
	}
	buf_free(&text);
	buf_free(&err);
}

static void
check_relays(struct check *c, const char *path)
{
	struct buf	 text, err;

	buf_init(&text, RELAYS_FILE_MAX);
	buf_init(&err, 65536);
	if (read_list(c, "authd", "merpati-auth", path, &text)) {
		relays_free(relays_parse(path, buf_cstr(&text), text.len,
		    &err));
		check_lines(c, &err);
	}
	buf_free(&text);
	buf_free(&err);
}

void
check_files(struct check *c)
{
	const struct config	*cfg = c->cfg;
	const char		*const authds[] = { cfg->users_file,
	    cfg->app_passwords_file, cfg->aliases_file };
	size_t			 i;

	for (i = 0; i < sizeof(authds) / sizeof(authds[0]); i++)
		(void)check_may_read(c, "authd", "merpati-auth", authds[i]);
	if (cfg->relay_recipients != NULL)
		check_relays(c, cfg->relay_recipients);
	check_access(c, &cfg->smtpd.access_client, true);
	check_access(c, &cfg->smtpd.access_sender, false);
	check_access(c, &cfg->smtpd.access_recipient, false);
}
