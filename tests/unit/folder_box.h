/* An account with mailboxes in a directory of the test's, and looks into it. */
#ifndef TESTS_FOLDER_BOX_H
#define TESTS_FOLDER_BOX_H

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/log.h"
#include "lib/store/folder.h"
#include "lib/store/maildir.h"
#include "tests/unit/tmpdir.h"

static struct account		 box_account;
static struct folder		*box;
static struct folder_state	 box_state;

static inline void
box_open(void)
{
	if (account_open(&box_account, tmpdir_file("H"), "host") == -1 ||
	    (box = folder_open(&box_account, ".")) == NULL)
		abort();
}

static inline void
box_close(void)
{
	folder_close(box);
	box = NULL;
	account_close(&box_account);
}

static inline int
box_setup(void **state)
{
	log_set_level(LOG_LEVEL_WARN);
	if (tmpdir_setup(state) == -1 || mkdir(tmpdir_file("H"), 0700) == -1 ||
	    maildir_make(tmpdir_file("H/Maildir")) == -1)
		return -1;
	box_open();
	return 0;
}

static inline int
box_teardown(void **state)
{
	box_close();
	return tmpdir_teardown(state);
}

/* Put a file at H/Maildir/PATH. */
static inline void
box_put(const char *path, const char *text)
{
	char	 full[800];

	snprintf(full, sizeof(full), "H/Maildir/%s", path);
	tmpdir_write(full, text, strlen(text));
}

/* n letters in new/ of the INBOX. */
static inline void
box_fill(unsigned int n)
{
	char		 name[100];
	unsigned int	 i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "new/%u.M%u.h,S=9,W=11",
		    1000000 + i, i);
		box_put(name, "A: b\n\nhi\n");
	}
}

static inline void
box_sync(void)
{
	if (folder_sync(box, FOLDER_QUICK, &box_state) == -1)
		abort();
}

/* The name below H/Maildir/DIR/cur of the file with the UID; "" for none. */
static inline const char *
box_file(const char *dir, uint32_t uid)
{
	static char		 found[2][300];
	static int		 turn;
	char			 path[400];
	struct maildir_name	 m;
	struct dirent		*de;
	DIR			*dp;

	turn = !turn;
	found[turn][0] = '\0';
	snprintf(path, sizeof(path), "H/Maildir/%s/cur", dir);
	if ((dp = opendir(tmpdir_file(path))) == NULL)
		abort();
	while ((de = readdir(dp)) != NULL)
		if (maildir_name_parse(de->d_name, &m) && m.uid == uid)
			snprintf(found[turn], sizeof(found[0]), "%s",
			    de->d_name);
	closedir(dp);
	return found[turn];
}

/* Rename the file of uid below cur/ so that it ends in ":2,FLAGS". */
static inline void
box_flag(uint32_t uid, const char *flags)
{
	char	 from[600], to[600];
	const char *name = box_file(".", uid);

	snprintf(from, sizeof(from), "H/Maildir/cur/%s", name);
	snprintf(to, sizeof(to), "H/Maildir/cur/%.*s:2,%s",
	    (int)strcspn(name, ":"), name, flags);
	if (rename(tmpdir_file(from), tmpdir_file(to)) == -1)
		abort();
}

static inline void
box_rm(uint32_t uid)
{
	char	 path[600];

	snprintf(path, sizeof(path), "H/Maildir/cur/%s", box_file(".", uid));
	if (unlink(tmpdir_file(path)) == -1)
		abort();
}

static inline void
box_rm_index(void)
{
	char	 cmd[400];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", tmpdir_file("H/index"));
	if (system(cmd) != 0)
		abort();
}

/* Let the directories' times grow older than the clock's tick. */
static inline void
box_wait(void)
{
	struct timespec	 t = { 0, 30000000 };

	nanosleep(&t, NULL);
}

/* "1:3,7" of the UIDs there are, in one static buffer. */
static inline const char *
box_uids(struct folder *f)
{
	static char		 text[4096];
	struct number_set	 s = { NULL, 0, 0 };
	struct buf		 b;

	buf_init(&b, sizeof(text) - 1);
	if (folder_uids(f, &s) == -1 || number_set_format(&s, &b) == -1)
		abort();
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_free(&b);
	number_set_free(&s);
	return text;
}

static inline const char *
box_set_text(const struct number_set *s)
{
	static char	 text[4][4096];
	static int	 turn;
	struct buf	 b;

	turn = (turn + 1) % 4;
	buf_init(&b, sizeof(text[0]) - 1);
	if (number_set_format(s, &b) == -1)
		abort();
	snprintf(text[turn], sizeof(text[0]), "%s", buf_cstr(&b));
	buf_free(&b);
	return text[turn];
}

static inline struct letter
box_letter(struct folder *f, uint32_t uid)
{
	struct letter	 l;

	memset(&l, 0, sizeof(l));
	if (folder_letters(f, uid, 0, &l, 1) == -1)
		abort();
	if (l.uid != uid)
		memset(&l, 0, sizeof(l));
	return l;
}

static inline struct number_set
box_parse(const char *text)
{
	struct number_set	 s = { NULL, 0, 0 };

	if (number_set_parse(slice_str(text), UINT32_MAX, 1000, &s) == -1)
		abort();
	return s;
}

#endif
