/* New files: names, and octets copied where no link can be made. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/store/durable.h"
#include "lib/store/folder_parts.h"
#include "lib/store/folder_scan.h"
#include "lib/store/maildir.h"

#define HOST_MAX	100	/* keeps the longest name below NAME_MAX */
#define PIECE		65536

/* TIME.MusecPpid_n.host: unique on this host, also within a microsecond. */
static int
make_base(const struct folder *f, char *out, size_t size)
{
	static unsigned int	 number;
	int64_t			 now = io_time_us();
	const char		*host = f->account->host;
	size_t			 i;
	int			 n;

	n = snprintf(out, size, "%lld.M%06lldP%ld_%u.",
	    (long long)(now / 1000000), (long long)(now % 1000000),
	    (long)getpid(), ++number);
	if (host == NULL || *host == '\0')
		host = "localhost";
	for (i = 0; i < HOST_MAX && host[i] != '\0' &&
	    (size_t)n + 1 < size; i++)
		out[n++] = text_is_alnum(host[i]) ||
		    strchr(".-_", host[i]) != NULL ? host[i] : '_';
	out[n] = '\0';
	return n;
}

int
folder_make_name(const struct folder *f, uint32_t validity, uint32_t uid,
    const struct letter *l, char out[300])
{
	char	 base[300], key[300];
	int	 n;

	n = make_base(f, base, 200);
	maildir_name_sizes(l->size, l->wire, base + n);
	if (maildir_name_key(base, validity, uid, key) == -1)
		return -1;
	return maildir_name_with_flags(key, l->flags, l->keywords, out);
}

void
folder_make_tmp(const struct folder *f, char out[300])
{
	strcpy(out, "tmp/");
	make_base(f, out + 4, 200);
}

static int
copy_octets(int from, int to)
{
	static char	 piece[PIECE];
	off_t		 at = 0;
	ssize_t		 n;

	while ((n = io_pread_full(from, piece, sizeof(piece), at)) > 0) {
		if (io_write_all(to, piece, (size_t)n) == -1)
			return -1;
		at += n;
	}
	return n == -1 ? -1 : 0;
}

/* The content and its date into tmp/, durable. */
static int
copy_to_tmp(int from, int todir, const char *tmp)
{
	struct timespec	 t[2];
	struct stat	 st;
	int		 fd, r = -1, saved;

	fd = openat(todir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (fstat(from, &st) == 0 && copy_octets(from, fd) == 0) {
		t[0].tv_sec = 0;
		t[0].tv_nsec = UTIME_NOW;
		t[1] = st.st_mtim;
		if (futimens(fd, t) == 0 && fsync(fd) == 0)
			r = 0;
	}
	saved = errno;
	if (close(fd) == -1 && r == 0) {
		r = -1;
		saved = errno;
	}
	if (r == -1)
		unlinkat(todir, tmp, 0);
	errno = saved;
	return r;
}

static int
copy_file(const struct folder *from, const char *name,
    const struct folder *to, const char *as)
{
	char	 tmp[300];
	int	 at = folder_place(from, &name), fd, r, saved;

	fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return -1;
	folder_make_tmp(to, tmp);
	r = copy_to_tmp(fd, to->dirfd, tmp);
	if (r == 0 && (r = io_rename_new(to->dirfd, tmp, to->cur, as)) == -1) {
		saved = errno;
		unlinkat(to->dirfd, tmp, 0);
		errno = saved;
	}
	io_close(fd);
	return r;
}

/* Another file system, no links there, too many of them, not our file. */
static bool
must_copy(int error)
{
	return error == EXDEV || error == EMLINK || error == EPERM ||
	    error == EOPNOTSUPP || error == ENOSYS;
}

int
folder_make_link(const struct folder *from, const char *name,
    const struct folder *to, const char *as)
{
	const char	*p = name;
	int		 at = folder_place(from, &p);

	if (linkat(at, p, to->cur, as, 0) == 0)
		return 0;
	return must_copy(errno) ? copy_file(from, name, to, as) : -1;
}

int
folder_make_move(const struct folder *from, const char *name,
    const struct folder *to, const char *as)
{
	const char	*p = name;
	int		 at = folder_place(from, &p);

	if (io_rename_new(at, p, to->cur, as) == 0)
		return 0;
	if (errno != EXDEV || copy_file(from, name, to, as) == -1)
		return -1;
	if (unlinkat(at, p, 0) == -1) {
		unlinkat(to->cur, as, 0);
		return -1;
	}
	return 0;
}
