/* Contract in access.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/file_stamp.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/net/listener.h"
#include "smtpd/access.h"

#define ERRORS_MAX	1500			/* octets of them logged */

struct file {
	const char		*path;
	struct access_table	*table;
	struct file_stamp	 seen;	/* when it was last read */
};

struct access {
	struct file	*files;
	size_t		 n;
	bool		 client;
};

/* What is wrong in it is logged.  NULL with errno when it cannot be read. */
static struct access_table *
read_table(const char *path, bool client)
{
	struct access_table	*t = NULL;
	struct buf		 text, err;
	int			 saved;

	buf_init(&text, ACCESS_FILE_MAX);
	buf_init(&err, ERRORS_MAX);
	if (io_read_file(AT_FDCWD, path, &text) == 0)
		t = access_table_parse(buf_slice(&text), path, client, &err);
	saved = errno;
	if (err.len > 0)
		log_warnx("event=access-error file=%s text=%s", log_esc(path),
		    log_esc(buf_cstr(&err)));
	buf_free(&text);
	buf_free(&err);
	errno = saved;
	return t;
}

struct access *
access_new(const struct config_list *files, bool client, struct buf *err)
{
	struct access	*a = xcalloc(1, sizeof(*a));
	struct file	*f;
	size_t		 i;
	bool		 ok = true;

	a->n = files->n;
	a->client = client;
	a->files = xcalloc(a->n == 0 ? 1 : a->n, sizeof(*a->files));
	for (i = 0; i < a->n; i++) {
		f = &a->files[i];
		f->path = files->item[i];
		/* The time first: a change while reading is seen later. */
		(void)file_stamp_changed(&f->seen, f->path);
		if ((f->table = read_table(f->path, client)) == NULL) {
			(void)buf_addf(err, "%s: %s\n", f->path,
			    strerror(errno));
			ok = false;
		}
	}
	return ok ? a : NULL;
}

void
access_refresh(struct access *a)
{
	struct access_table	*t;
	struct file		*f;
	size_t			 i;

	for (i = 0; i < a->n; i++) {
		f = &a->files[i];
		if (!file_stamp_rested(&f->seen, &f->path, 1))
			continue;
		(void)file_stamp_changed(&f->seen, f->path);
		if ((t = read_table(f->path, a->client)) == NULL) {
			log_warn("event=access-unreadable file=%s kept=former",
			    log_esc(f->path));
			/* Behind this wall perhaps: not behind the next. */
			listener_last();
		} else {
			access_table_free(f->table);
			f->table = t;
		}
	}
}

bool
access_has_names(const struct access *a)
{
	size_t	 i;

	for (i = 0; i < a->n; i++)
		if (access_table_has_names(a->files[i].table))
			return true;
	return false;
}

enum access_action
access_client(const struct access *a, const struct sockaddr *sa,
    const char *name, const char **text)
{
	enum access_action	 r;
	size_t			 i;

	*text = NULL;
	for (i = 0; i < a->n; i++)
		if ((r = access_table_client(a->files[i].table, sa, name,
		    text)) != ACCESS_NONE)
			return r;
	return ACCESS_NONE;
}

enum access_action
access_address(const struct access *a, const struct address *addr,
    const char **text)
{
	enum access_action	 r;
	size_t			 i;

	*text = NULL;
	for (i = 0; i < a->n; i++)
		if ((r = access_table_address(a->files[i].table, addr,
		    text)) != ACCESS_NONE)
			return r;
	return ACCESS_NONE;
}
