/* The names of an account's keywords; contract in account.h. */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/filelock.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/account.h"

#define FILE_NAME	"keywords"
#define FILE_MAX	65536
#define LOCK_MS		30000
#define FLAGS		(O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

/* "a $Forwarded".  The first line of a letter counts. */
static void
take_line(struct account *a, const char *line, size_t len)
{
	char	**name;
	size_t	  i;

	if (len < 3 || len - 2 > ACCOUNT_KEYWORD_MAX || line[1] != ' ' ||
	    line[0] < 'a' || line[0] > 'z')
		return;
	for (i = 2; i < len; i++)
		if (line[i] <= ' ' || line[i] >= 0x7f)
			return;
	name = &a->keyword[line[0] - 'a'];
	if (*name == NULL) {
		*name = xmalloc(len - 1);
		memcpy(*name, line + 2, len - 2);
		(*name)[len - 2] = '\0';
	}
}

static void
parse(struct account *a, struct slice text)
{
	const char	*lf;
	size_t		 i;

	for (i = 0; i < ACCOUNT_KEYWORDS; i++) {
		free(a->keyword[i]);
		a->keyword[i] = NULL;
	}
	/* What has no line end was cut off while it was written. */
	while (text.len > 0 && (lf = memchr(text.ptr, '\n', text.len)) !=
	    NULL) {
		take_line(a, text.ptr, (size_t)(lf - text.ptr));
		text.len -= (size_t)(lf + 1 - text.ptr);
		text.ptr = lf + 1;
	}
}

static bool
is_read(const struct account *a, const struct stat *st)
{
	return (uint64_t)st->st_size == a->keywords_size &&
	    st->st_mtim.tv_sec == a->keywords_time.tv_sec &&
	    st->st_mtim.tv_nsec == a->keywords_time.tv_nsec;
}

/* The file, when it is not as it was. */
static int
refresh(struct account *a)
{
	struct buf	 text;
	struct stat	 st;
	int		 r;

	if (fstatat(a->maildirfd, FILE_NAME, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno != ENOENT)
			return -1;
		parse(a, SLICE_LIT(""));
		a->keywords_size = 0;
		return 0;
	}
	if (is_read(a, &st))
		return 0;
	buf_init(&text, FILE_MAX);
	if ((r = io_read_file(a->maildirfd, FILE_NAME, &text)) == 0) {
		parse(a, buf_slice(&text));
		a->keywords_time = st.st_mtim;
		a->keywords_size = (uint64_t)st.st_size;
	}
	buf_free(&text);
	return r;
}

static int
find(const struct account *a, struct slice name)
{
	int	 i;

	for (i = 0; i < ACCOUNT_KEYWORDS; i++)
		if (a->keyword[i] != NULL && slice_is(name, a->keyword[i]))
			return i;
	return -1;
}

/* Append a line, after the end of one that was cut off. */
static int
append(int fd, int letter, struct slice name)
{
	struct buf	 line;
	struct stat	 st;
	char		 last = '\n';
	int		 r = -1;

	buf_init(&line, ACCOUNT_KEYWORD_MAX + 10);
	if (fstat(fd, &st) == -1 || (st.st_size > 0 && io_pread_full(fd,
	    &last, 1, st.st_size - 1) == -1))
		goto out;
	if (last != '\n')
		buf_addc(&line, '\n');
	buf_addf(&line, "%c %.*s\n", 'a' + letter, (int)name.len, name.ptr);
	r = io_pwrite_all(fd, line.ptr, line.len, st.st_size);
	if (r == 0)
		r = fsync(fd);
out:
	buf_free(&line);
	return r;
}

static int
add(struct account *a, struct slice name)
{
	int	 fd, i;

	fd = openat(a->maildirfd, FILE_NAME, O_RDWR | O_CREAT | FLAGS, 0600);
	if (fd == -1)
		return -1;
	if (filelock_wait(fd, F_WRLCK, LOCK_MS) == -1 || refresh(a) == -1) {
		io_close(fd);
		return -1;
	}
	if ((i = find(a, name)) == -1) {
		for (i = 0; i < ACCOUNT_KEYWORDS && a->keyword[i] != NULL; i++)
			;
		if (i == ACCOUNT_KEYWORDS) {
			errno = ENOSPC;
			i = -1;
		} else if (append(fd, i, name) == -1 || refresh(a) == -1)
			i = -1;
	}
	io_close(fd);
	return i;
}

static bool
is_atom(struct slice name)
{
	size_t	 i;

	for (i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f ||
		    strchr("(){%*\"\\]", name.ptr[i]) != NULL)
			return false;
	return name.len > 0 && name.len <= ACCOUNT_KEYWORD_MAX;
}

int
account_keyword(struct account *a, struct slice name, bool create)
{
	int	 i;

	if (!is_atom(name)) {
		errno = EINVAL;
		return -1;
	}
	if ((i = find(a, name)) != -1)
		return i;
	if (refresh(a) == -1)
		return -1;
	if ((i = find(a, name)) != -1)
		return i;
	if (create)
		return add(a, name);
	errno = ENOENT;
	return -1;
}

const char *
account_keyword_name(struct account *a, unsigned int bit)
{
	if (bit >= ACCOUNT_KEYWORDS)
		return NULL;
	/* Somebody else may have added it. */
	if (a->keyword[bit] == NULL)
		refresh(a);
	return a->keyword[bit];
}
