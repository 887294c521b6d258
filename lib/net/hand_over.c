/* Contract in hand_over.h. */
#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/net/hand_over.h"
#include "lib/net/tls_stream.h"

/* Could authd not be reached at all?  Else it may have our connection. */
static bool
hand_over_never_asked(int error)
{
	return error == ENOENT || error == ECONNREFUSED || error == EACCES ||
	    error == EPERM || error == EAGAIN || error == EMFILE ||
	    error == ENFILE || error == ENAMETOOLONG || error == ENOTDIR;
}

static enum hand_over
hand_over_verdict(enum auth_verdict v)
{
	switch (v) {
	case AUTH_OK:
		return HAND_OVER_DONE;
	case AUTH_BAD:
		return HAND_OVER_BAD;
	case AUTH_DISABLED:
		return HAND_OVER_DISABLED;
	case AUTH_LATER:
		break;
	}
	return HAND_OVER_LATER;
}

/* session->fd and what was read ahead are set.  0, or -1 with errno. */
static int
hand_over_ask(struct auth_client *authd, const struct auth_session *session,
    enum hand_over *end)
{
	struct auth_answer	 answer;
	int			 saved;

	if (auth_client_session(authd, session, &answer) == 0) {
		auth_client_close(authd);
		*end = hand_over_verdict(answer.verdict);
		return 0;
	}
	saved = errno;
	log_warn("event=authd-unreachable path=%s", log_esc(authd->link.path));
	auth_client_close(authd);
	*end = HAND_OVER_LATER;
	errno = saved;
	return -1;
}

static enum hand_over
hand_over_plain(struct auth_client *authd, const struct listener_conn *conn,
    const struct stream *s, struct auth_session *session)
{
	struct slice	 ahead = stream_pending(s);
	enum hand_over	 end;

	if (!io_same_socket(conn->rfd, conn->wfd) ||
	    ahead.len > AUTH_AHEAD_MAX) {
		log_warnx("event=%s-no-socket", session->check.service);
		return HAND_OVER_NO_SOCKET;
	}
	memcpy(session->ahead, ahead.ptr, ahead.len);
	session->ahead_len = ahead.len;
	session->fd = conn->rfd;
	/* It may be speaking to the client already: two voices are worse. */
	if (hand_over_ask(authd, session, &end) == -1 &&
	    !hand_over_never_asked(errno))
		return HAND_OVER_DONE;
	return end;
}

/* A session that there may be after an error ends when our end is closed. */
static enum hand_over
hand_over_tls(struct auth_client *authd, struct auth_session *session,
    int *pump)
{
	enum hand_over	 end;
	int		 fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1) {
		log_warn("event=out-of-descriptors");
		return HAND_OVER_LATER;
	}
	session->ahead_len = 0;
	session->fd = fds[1];
	(void)hand_over_ask(authd, session, &end);
	close(fds[1]);
	if (end != HAND_OVER_DONE) {
		close(fds[0]);
		return end;
	}
	*pump = fds[0];
	return HAND_OVER_PUMP;
}

enum hand_over
hand_over(struct auth_client *authd, const struct listener_conn *conn,
    struct stream *s, const char *service, struct auth_session *session,
    int *pump)
{
	enum hand_over	 end = HAND_OVER_GONE;

	*pump = -1;
	if (stream_flush(s) == STREAM_OK) {
		strlcpy(session->check.service, service,
		    sizeof(session->check.service));
		strlcpy(session->check.ip, conn->peer.address,
		    sizeof(session->check.ip));
		end = tls_on(s) ? hand_over_tls(authd, session, pump) :
		    hand_over_plain(authd, conn, s, session);
	}
	explicit_bzero(session, sizeof(*session));
	return end;
}
