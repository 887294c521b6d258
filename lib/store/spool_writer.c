/*
 * Writing a message into the spool.  Contract in spool.h, states and crashes
 * in doc/queue.md.  A letter that fits into memory is made in new/ at once:
 * openat, pwritev, durable_sync, close.  Nobody takes it for a message before
 * it is whole, and the bell has not rung.  A larger one grows in tmp/, where
 * spool_sweep() finds what killed writers leave.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/durable.h"
#include "lib/store/spool.h"

#define PIECE		65536		/* a write to a large message */
#define ROOM		(4 * ENVELOPE_BLOCK)	/* when nobody said */
#define SMALL		8192		/* of memory to begin with */
#define MODE		0440

struct spool_writer {
	struct spool	*spool;
	char		 id[SPOOL_ID_LEN + 1];
	int		 fd;		/* or -1: all in front */
	int		 dir;		/* where it is: tmp/ or new/ */
	uint32_t	 room;		/* content's place in the file */
	struct buf	 front;		/* the first SPOOL_MEMORY octets */
	struct buf	 tail;		/* not yet written */
	uint64_t	 size;
	int		 error;		/* sticky errno */
};

struct spool_writer *
spool_writer_new(struct spool *sp, const char *id)
{
	struct spool_writer	*w = xcalloc(1, sizeof(*w));

	w->spool = sp;
	memcpy(w->id, id, SPOOL_ID_LEN);
	w->fd = -1;
	w->room = ROOM;
	buf_init(&w->front, SPOOL_MEMORY);
	buf_init(&w->tail, PIECE);
	buf_reserve(&w->front, SMALL);
	return w;
}

void
spool_writer_reserve(struct spool_writer *w, uint32_t block)
{
	if (w->fd == -1 && block >= ENVELOPE_BLOCK && block <= ENVELOPE_MAX)
		w->room = block;
}

static int
make_file(struct spool_writer *w, int dir)
{
	w->dir = dir;
	w->fd = openat(dir, w->id,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	return w->fd == -1 ? -1 : 0;
}

/* Write data where the content so far ends, but for what is in tail. */
static int
write_content(const struct spool_writer *w, const void *data, size_t len,
    uint64_t before)
{
	return io_pwrite_all(w->fd, data, len,
	    (off_t)(w->room + w->size - before));
}

static int
begin_file(struct spool_writer *w)
{
	if (make_file(w, w->spool->tmpfd) == -1)
		return -1;
	return write_content(w, w->front.ptr, w->front.len, w->size);
}

static int
flush_tail(struct spool_writer *w)
{
	if (w->tail.len > 0 && write_content(w, w->tail.ptr, w->tail.len,
	    w->tail.len) == -1)
		return -1;
	buf_clear(&w->tail);
	return 0;
}

/* Past the memory's end: into the file by large pieces. */
static int
add_tail(struct spool_writer *w, const char *data, size_t len)
{
	if (w->fd == -1 && begin_file(w) == -1)
		return -1;
	if (len > w->tail.max - w->tail.len && flush_tail(w) == -1)
		return -1;
	if (len > w->tail.max) {
		if (write_content(w, data, len, 0) == -1)
			return -1;
	} else
		buf_add(&w->tail, data, len);
	w->size += len;
	return 0;
}

int
spool_writer_add(struct spool_writer *w, const void *data, size_t len)
{
	size_t	 n;

	if (w->error == 0 && len > INT64_MAX / 2 - w->size)
		w->error = EFBIG;
	if (w->error == 0) {
		n = w->front.max - w->front.len;
		n = len < n ? len : n;
		buf_add(&w->front, data, n);
		w->size += n;
		if (n < len &&
		    add_tail(w, (const char *)data + n, len - n) == -1)
			w->error = errno;
	}
	if (w->error == 0)
		return 0;
	errno = w->error;
	return -1;
}

uint64_t
spool_writer_size(const struct spool_writer *w)
{
	return w->size;
}

struct slice
spool_writer_front(const struct spool_writer *w)
{
	return buf_slice(&w->front);
}

/*
 * The first block's octets: text, LFs, head.  Sets block (at least room) and
 * head; size is the caller's.
 */
static int
make_block(struct envelope *env, uint32_t room, struct slice head,
    struct buf *out)
{
	size_t	 pad;

	env->block = room;
	env->head = (uint32_t)head.len;
	if (head.len > ENVELOPE_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	buf_reserve(out, room);
	if (envelope_format(env, out) == -1)
		return -1;
	if (out->len + head.len > env->block) {
		if ((env->block = envelope_block_for(env, head.len)) == 0)
			return -1;
		buf_clear(out);
		if (envelope_format(env, out) == -1)
			return -1;
	}
	pad = env->block - head.len - out->len;
	memset(buf_reserve(out, pad + head.len), '\n', pad);
	out->len += pad;
	return buf_add(out, head.ptr, head.len);
}

/* One call for block and content, the rest after a short write. */
static int
write_both(int fd, struct slice block, struct slice content)
{
	struct iovec	 iov[2];
	ssize_t		 n;
	size_t		 done;

	iov[0].iov_base = (void *)(uintptr_t)block.ptr;
	iov[0].iov_len = block.len;
	iov[1].iov_base = (void *)(uintptr_t)content.ptr;
	iov[1].iov_len = content.len;
	while ((n = pwritev(fd, iov, 2, 0)) == -1)
		if (errno != EINTR)
			return -1;
	done = (size_t)n;
	if (done == block.len + content.len)
		return 0;
	if (done < block.len && io_pwrite_all(fd, block.ptr + done,
	    block.len - done, n) == -1)
		return -1;
	done = done < block.len ? 0 : done - block.len;
	return io_pwrite_all(fd, content.ptr + done, content.len - done,
	    (off_t)(block.len + done));
}

/*
 * The envelope outgrew the room before the content: move the content up,
 * from its end.  The file is not whole meanwhile, its front is a hole.
 */
static int
move_content(struct spool_writer *w, uint32_t block)
{
	uint64_t	 left = w->size;
	ssize_t		 n;
	size_t		 len;
	char		*piece;
	int		 r = 0;

	piece = xmalloc(PIECE);
	while (left > 0 && r == 0) {
		len = left < PIECE ? (size_t)left : PIECE;
		left -= len;
		n = io_pread_full(w->fd, piece, len, (off_t)(w->room + left));
		if (n != (ssize_t)len) {
			if (n != -1)
				errno = EIO;
			r = -1;
		} else
			r = io_pwrite_all(w->fd, piece, len,
			    (off_t)(block + left));
	}
	free(piece);
	w->room = block;
	return r;
}

static int
write_message(struct spool_writer *w, struct envelope *env, struct slice head)
{
	struct buf	 block;
	int		 r = -1;

	env->size = w->size;
	buf_init(&block, ENVELOPE_MAX);
	if (make_block(env, w->fd == -1 ? ENVELOPE_BLOCK : w->room, head,
	    &block) == -1)
		goto out;
	if (w->fd == -1) {
		if (make_file(w, w->spool->newfd) == 0)
			r = write_both(w->fd, buf_slice(&block),
			    buf_slice(&w->front));
	} else if (flush_tail(w) == 0 && (env->block == w->room ||
	    move_content(w, env->block) == 0))
		r = io_pwrite_all(w->fd, block.ptr, block.len, 0);
out:
	buf_free(&block);
	return r;
}

static void
writer_free(struct spool_writer *w)
{
	io_close(w->fd);
	buf_free(&w->front);
	buf_free(&w->tail);
	free(w);
}

int
spool_writer_commit(struct spool_writer *w, struct envelope *env,
    struct slice head, bool *fatal_sync)
{
	struct spool	*sp = w->spool;
	int		 saved;

	*fatal_sync = false;
	if ((errno = w->error) != 0 || write_message(w, env, head) == -1 ||
	    (w->dir == sp->tmpfd &&
	    io_rename_new(sp->tmpfd, w->id, sp->newfd, w->id) == -1)) {
		spool_writer_abort(w);
		return -1;
	}
	/*
	 * Named first, so that one journal commit covers file and name.
	 * After a failed fsync nobody knows what is on disk, and the kernel
	 * may report it only once: no second try.
	 */
	if (durable_sync(w->fd, sp->newfd, NULL) == -1) {
		saved = errno;
		*fatal_sync = true;
		unlinkat(sp->newfd, w->id, 0);
		writer_free(w);
		errno = saved;
		return -1;
	}
	writer_free(w);
	return 0;
}

void
spool_writer_abort(struct spool_writer *w)
{
	int	 saved = errno;

	if (w == NULL)
		return;
	if (w->fd != -1)
		unlinkat(w->dir, w->id, 0);
	writer_free(w);
	errno = saved;
}

/* Write and fsync queue/XX/.ID; nothing is left behind on failure. */
static int
write_dot(int dirfd, const char *dot, struct slice block,
    struct slice content)
{
	const int	 flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int		 fd, saved;

	fd = openat(dirfd, dot, flags, MODE);
	if (fd == -1 && errno == EEXIST && unlinkat(dirfd, dot, 0) == 0)
		fd = openat(dirfd, dot, flags, MODE);	/* a crash's */
	if (fd == -1)
		return -1;
	if (write_both(fd, block, content) == 0 && fsync(fd) == 0) {
		io_close(fd);
		return 0;
	}
	saved = errno;
	unlinkat(dirfd, dot, 0);
	io_close(fd);
	errno = saved;
	return -1;
}

/* Is a whole message of that name there, and now durable? */
static bool
is_whole(int dirfd, const char *id)
{
	struct envelope	 env;
	bool		 yes = false;
	int		 fd;

	fd = openat(dirfd, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return false;
	if (envelope_read(fd, &env, NULL) == ENVELOPE_OK)
		yes = fsync(fd) == 0;
	envelope_free(&env);
	io_close(fd);
	return yes;
}

static int
write_in(int dirfd, const char *id, struct slice block, struct slice content)
{
	char	 dot[SPOOL_ID_LEN + 2] = ".";
	int	 r;

	memcpy(dot + 1, id, SPOOL_ID_LEN);
	if (is_whole(dirfd, id))
		return fsync(dirfd);
	if (write_dot(dirfd, dot, block, content) == -1)
		return -1;
	/* What may stand there under the name is a crash's torn file. */
	if ((r = renameat(dirfd, dot, dirfd, id)) == 0)
		r = fsync(dirfd);
	else
		unlinkat(dirfd, dot, 0);
	return r;
}

int
spool_write_queued(struct spool *sp, const char *id, struct envelope *env,
    struct slice content)
{
	struct buf	 block;
	char		 dir[64];
	int		 dirfd, r = -1;

	spool_queue_name(id, dir);
	*strrchr(dir, '/') = '\0';
	env->size = content.len;
	buf_init(&block, ENVELOPE_MAX);
	if (make_block(env, ENVELOPE_BLOCK, (struct slice){ NULL, 0 },
	    &block) == 0 && (dirfd = openat(sp->dirfd, dir,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) != -1) {
		r = write_in(dirfd, id, buf_slice(&block), content);
		io_close(dirfd);
	}
	buf_free(&block);
	return r;
}
