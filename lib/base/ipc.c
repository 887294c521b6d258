/* Contract in ipc.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/ipc.h"
#include "lib/base/text.h"

#define IPC_VERSION	"merpati 1 "
#define CONNECT_SECONDS	10	/* for room in a listener's backlog */

struct ipc_msg	 ipc_question, ipc_answer;

static void
ipc_add(struct ipc_msg *m, const char *data, size_t len)
{
	if (m->bad || len > IPC_MAX - m->len) {
		m->bad = true;
		return;
	}
	memcpy(m->data + m->len, data, len);
	m->len += len;
	m->data[m->len] = '\0';
}

void
ipc_start(struct ipc_msg *m, const char *verb, uint64_t id)
{
	char	 head[IPC_VERB_MAX + 48];
	int	 n;

	m->len = m->pos = m->nfds = m->taken = 0;
	m->bad = false;
	m->id = id;
	if (strlcpy(m->verb, verb, sizeof(m->verb)) >= sizeof(m->verb))
		m->bad = true;
	n = snprintf(head, sizeof(head), IPC_VERSION "%s %llu\n", m->verb,
	    (unsigned long long)id);
	ipc_add(m, head, (size_t)n);
}

static void
ipc_put_field(struct ipc_msg *m, const char *key, struct slice v)
{
	size_t	 i;

	for (i = 0; i < v.len; i++)
		if (v.ptr[i] == '\n' || v.ptr[i] == '\r' || v.ptr[i] == '\0')
			m->bad = true;
	ipc_add(m, key, strlen(key));
	ipc_add(m, " ", 1);
	ipc_add(m, v.ptr, v.len);
	ipc_add(m, "\n", 1);
}

void
ipc_put(struct ipc_msg *m, const char *key, const char *value)
{
	ipc_put_field(m, key, slice_str(value));
}

void
ipc_put_u64(struct ipc_msg *m, const char *key, uint64_t value)
{
	char	 num[24];

	snprintf(num, sizeof(num), "%llu", (unsigned long long)value);
	ipc_put(m, key, num);
}

void
ipc_put_octets(struct ipc_msg *m, const char *key, struct slice value)
{
	struct buf	 enc;

	buf_init(&enc, IPC_MAX);
	if (text_xencode(&enc, value, false) == -1)
		m->bad = true;
	else
		ipc_put_field(m, key, buf_slice(&enc));
	buf_free(&enc);
}

void
ipc_put_text(struct ipc_msg *m, const char *key, const char *value)
{
	static const char	 hex[] = "0123456789ABCDEF";
	unsigned char		 c;
	char			 enc[3] = { '+', 0, 0 };

	ipc_add(m, key, strlen(key));
	ipc_add(m, " ", 1);
	for (; *value != '\0'; value++) {
		c = (unsigned char)*value;
		if (c > 0x20 && c < 0x7f && c != '+' && c != '=') {
			ipc_add(m, value, 1);
			continue;
		}
		enc[1] = hex[c >> 4];
		enc[2] = hex[c & 15];
		ipc_add(m, enc, 3);
	}
	ipc_add(m, "\n", 1);
}

void
ipc_attach(struct ipc_msg *m, int fd)
{
	if (m->nfds == IPC_FDS) {
		m->bad = true;
		return;
	}
	m->fds[m->nfds++] = fd;
}

/* The value of the next field when its key is the one asked for. */
static bool
ipc_peek(const struct ipc_msg *m, const char *key, struct slice *value,
    size_t *used)
{
	const char	*p = m->data + m->pos, *nl;
	size_t		 klen = strlen(key), left = m->len - m->pos;

	if (m->bad || left <= klen || memcmp(p, key, klen) != 0 ||
	    p[klen] != ' ' || (nl = memchr(p, '\n', left)) == NULL ||
	    memchr(p, '\r', (size_t)(nl - p)) != NULL)
		return false;
	value->ptr = p + klen + 1;
	value->len = (size_t)(nl - value->ptr);
	*used = (size_t)(nl - p) + 1;
	return true;
}

static struct slice
ipc_take(struct ipc_msg *m, const char *key)
{
	struct slice	 v = { "", 0 };
	size_t		 used = 0;

	if (!ipc_peek(m, key, &v, &used))
		m->bad = true;
	m->pos += used;
	return v;
}

void
ipc_get(struct ipc_msg *m, const char *key, char *out, size_t size)
{
	struct slice	 v = ipc_take(m, key);

	if (v.len >= size) {
		m->bad = true;
		v.len = 0;
	}
	memcpy(out, v.ptr, v.len);
	out[v.len] = '\0';
}

void
ipc_get_u64(struct ipc_msg *m, const char *key, uint64_t max, uint64_t *out)
{
	struct slice	 v = ipc_take(m, key);

	*out = 0;
	if (!m->bad && text_u64(v, max, out) == -1)
		m->bad = true;
}

size_t
ipc_get_word(struct ipc_msg *m, const char *key, const char *const *words,
    size_t n)
{
	char	 word[IPC_VERB_MAX];
	size_t	 i;

	ipc_get(m, key, word, sizeof(word));
	for (i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	m->bad = true;
	return 0;
}

void
ipc_expect(struct ipc_msg *m, const char *verb)
{
	if (strcmp(m->verb, verb) != 0)
		m->bad = true;
}

void
ipc_get_octets(struct ipc_msg *m, const char *key, struct buf *out)
{
	struct slice	 v = ipc_take(m, key);

	if (!m->bad && text_xdecode(out, v) == -1)
		m->bad = true;
}

void
ipc_get_text(struct ipc_msg *m, const char *key, char *out, size_t size)
{
	struct slice	 v = ipc_take(m, key);
	size_t		 i, n = 0;
	int		 hi, lo;
	char		 c;

	for (i = 0; i < v.len && !m->bad; i++) {
		c = v.ptr[i];
		if (c == '+') {
			if (v.len - i < 3 ||
			    (hi = text_hex(v.ptr[i + 1])) == -1 ||
			    (lo = text_hex(v.ptr[i + 2])) == -1)
				m->bad = true;
			else
				c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			m->bad = true;
		else
			out[n++] = c;
	}
	out[m->bad ? 0 : n] = '\0';
}

bool
ipc_next_is(const struct ipc_msg *m, const char *key)
{
	struct slice	 v;
	size_t		 used;

	return ipc_peek(m, key, &v, &used);
}

struct slice
ipc_rest(struct ipc_msg *m)
{
	struct slice	 rest = { m->data + m->pos, m->len - m->pos };

	m->pos = m->len;
	return rest;
}

static void
ipc_clear(struct ipc_msg *m)
{
	m->len = m->pos = m->nfds = m->taken = 0;
	m->bad = false;
	m->verb[0] = '\0';
	m->id = 0;
}

void
ipc_load(struct ipc_msg *m, struct slice rest)
{
	ipc_clear(m);
	ipc_add(m, rest.ptr, rest.len);
}

int
ipc_take_fd(struct ipc_msg *m)
{
	if (m->bad || m->taken == m->nfds) {
		m->bad = true;
		return -1;
	}
	return m->fds[m->taken++];
}

void
ipc_drop(struct ipc_msg *m)
{
	while (m->taken < m->nfds)
		io_close(m->fds[m->taken++]);
}

int
ipc_end(struct ipc_msg *m)
{
	bool	 good;

	good = !m->bad && m->pos == m->len && m->taken == m->nfds;
	ipc_drop(m);
	if (good)
		return 0;
	errno = EBADMSG;
	return -1;
}

int
ipc_end_secret(struct ipc_msg *m, void *out, size_t size)
{
	int	 r = ipc_end(m);

	explicit_bzero(m->data, m->len);
	if (r == -1)
		explicit_bzero(out, size);
	return r;
}

/* Wait for the event; 0, or -1 with errno (ETIMEDOUT at the deadline). */
static int
ipc_wait(int sock, short events, int64_t deadline)
{
	struct pollfd	 pfd = { .fd = sock, .events = events };
	int64_t		 left;
	int		 n;

	for (;;) {
		left = deadline - io_monotonic_ms();
		if (left <= 0)
			break;
		n = poll(&pfd, 1, (int)left);
		if (n == 1)
			return 0;
		if (n == -1 && errno != EINTR)
			return -1;
	}
	errno = ETIMEDOUT;
	return -1;
}

/* After a call that failed; the first wait sets the deadline. */
static int
ipc_again(int sock, short events, int timeout_ms, int64_t *deadline)
{
	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN || timeout_ms == 0)
		return -1;
	if (*deadline == 0)
		*deadline = io_monotonic_ms() + timeout_ms;
	return ipc_wait(sock, events, *deadline);
}

int
ipc_send(int sock, struct ipc_msg *m, int timeout_ms)
{
	union {
		char		 space[CMSG_SPACE(sizeof(int) * IPC_FDS)];
		struct cmsghdr	 align;
	} ctl;
	struct iovec	 iov = { .iov_base = m->data, .iov_len = m->len };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr	*c;
	int64_t		 deadline = 0;

	if (m->bad) {
		errno = EBADMSG;
		return -1;
	}
	if (m->nfds > 0) {
		memset(&ctl, 0, sizeof(ctl));
		msg.msg_control = ctl.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * m->nfds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * m->nfds);
		memcpy(CMSG_DATA(c), m->fds, sizeof(int) * m->nfds);
	}
	while (sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		if (ipc_again(sock, POLLOUT, timeout_ms, &deadline) == -1)
			return -1;
	return 0;
}

/* Read "merpati 1 VERB ID".  Anything else makes the message bad. */
static void
ipc_parse_head(struct ipc_msg *m)
{
	const char	*p = m->data, *nl, *sp;
	size_t		 vlen = sizeof(IPC_VERSION) - 1;
	struct slice	 num;

	if ((nl = memchr(p, '\n', m->len)) == NULL ||
	    memchr(p, '\0', m->len) != NULL || m->data[m->len - 1] != '\n' ||
	    m->len < vlen || memcmp(p, IPC_VERSION, vlen) != 0) {
		m->bad = true;
		return;
	}
	p += vlen;
	sp = memchr(p, ' ', (size_t)(nl - p));
	if (sp == NULL || sp == p || (size_t)(sp - p) >= sizeof(m->verb)) {
		m->bad = true;
		return;
	}
	memcpy(m->verb, p, (size_t)(sp - p));
	m->verb[sp - p] = '\0';
	num.ptr = sp + 1;
	num.len = (size_t)(nl - num.ptr);
	if (text_u64(num, UINT64_MAX, &m->id) == -1)
		m->bad = true;
	m->pos = (size_t)(nl - m->data) + 1;
}

static void
ipc_collect_fds(struct ipc_msg *m, struct msghdr *msg)
{
	struct cmsghdr	*c;
	size_t		 n, i;
	int		 fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(int));
			if (m->nfds < IPC_FDS)
				m->fds[m->nfds++] = fd;
			else {
				io_close(fd);
				m->bad = true;
			}
		}
	}
}

int
ipc_recv(int sock, struct ipc_msg *m, int timeout_ms)
{
	union {
		char		 space[CMSG_SPACE(sizeof(int) * IPC_FDS)];
		struct cmsghdr	 align;
	} ctl;
	struct iovec	 iov = { .iov_base = m->data, .iov_len = IPC_MAX };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = ctl.space, .msg_controllen = sizeof(ctl.space) };
	int64_t		 deadline = 0;
	ssize_t		 n;

	ipc_clear(m);
	while ((n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) ==
	    -1) {
		if (ipc_again(sock, POLLIN, timeout_ms, &deadline) == -1)
			return -1;
		msg.msg_controllen = sizeof(ctl.space);
	}
	ipc_collect_fds(m, &msg);
	if (n == 0 && m->nfds == 0)
		return 0;
	m->len = (size_t)n;
	m->data[n] = '\0';
	if (n == 0 || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		m->bad = true;
	else
		ipc_parse_head(m);
	if (!m->bad)
		return 1;
	ipc_drop(m);
	errno = EBADMSG;
	return -1;
}

int
ipc_call(int sock, struct ipc_msg *req, struct ipc_msg *ans, int timeout_ms)
{
	int64_t	 deadline = io_monotonic_ms() + timeout_ms, left;
	int	 n;

	if (ipc_send(sock, req, timeout_ms) == -1)
		return -1;
	for (;;) {
		left = deadline - io_monotonic_ms();
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = ipc_recv(sock, ans, (int)left);
		if (n == -1)
			return -1;
		if (n == 0) {
			errno = EPIPE;
			return -1;
		}
		if (ans->id == req->id)
			return 0;
		ipc_drop(ans);
	}
}

int
ipc_listen(const char *path, mode_t mode)
{
	return io_listen_unix(SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    path, mode);
}

static int
ipc_connect_to(const char *path, int flags)
{
	static const struct timeval	 patience = { .tv_sec =
	    CONNECT_SECONDS };
	struct sockaddr_un		 sun;
	int				 fd;

	if (io_unix_address(path, &sun) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	if (fd == -1)
		return -1;
	/* connect(2) to a stopped program would wait for ever. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		io_close(fd);
		return -1;
	}
	return fd;
}

int
ipc_connect(const char *path)
{
	return ipc_connect_to(path, 0);
}

int
ipc_connect_now(const char *path)
{
	return ipc_connect_to(path, SOCK_NONBLOCK);
}

int
ipc_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
}

int
ipc_peer(int sock, uid_t *uid, gid_t *gid, pid_t *pid)
{
	struct ucred	 cred;
	socklen_t	 len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return -1;
	*uid = cred.uid;
	*gid = cred.gid;
	*pid = cred.pid;
	return 0;
}
