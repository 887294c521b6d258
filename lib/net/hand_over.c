/* Contract in hand_over.h. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/log.h"
#include "lib/net/hand_over.h"

/* A session is handed on as one socket, which 0 and 1 of -i need not be. */
static bool
hand_over_one_socket(const struct listener_conn *conn)
{
	struct stat	 r, w;

	return fstat(conn->rfd, &r) == 0 && fstat(conn->wfd, &w) == 0 &&
	    S_ISSOCK(r.st_mode) && r.st_dev == w.st_dev &&
	    r.st_ino == w.st_ino;
}

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

static enum hand_over
hand_over_ask(const char *path, struct auth_session *session)
{
	struct auth_client	 authd;
	struct auth_answer	 answer;
	int			 r, saved;

	auth_client_init(&authd, path);
	r = auth_client_session(&authd, session, &answer);
	saved = errno;
	explicit_bzero(session, sizeof(*session));
	auth_client_close(&authd);
	if (r == 0)
		return hand_over_verdict(answer.verdict);
	errno = saved;
	log_warn("event=authd-unreachable path=%s", log_esc(path));
	if (hand_over_never_asked(saved))
		return HAND_OVER_LATER;
	/* It may be speaking to the client already: two voices are worse. */
	return HAND_OVER_DONE;
}

enum hand_over
hand_over(const struct config *conf, const struct listener_conn *conn,
    struct stream *s, const char *service, struct auth_session *session)
{
	struct slice	 ahead = stream_pending(s);
	enum hand_over	 end = HAND_OVER_LATER;
	char		 path[108];

	if (!hand_over_one_socket(conn) || ahead.len > AUTH_AHEAD_MAX) {
		log_warnx("event=%s-no-socket", service);
		end = HAND_OVER_NO_SOCKET;
	} else if (snprintf(path, sizeof(path), "%s/authd/authd.sock",
	    conf->run_dir) >= (int)sizeof(path))
		log_warnx("event=path-too-long path=%s",
		    log_esc(conf->run_dir));
	else if (stream_flush(s) != STREAM_OK)
		end = HAND_OVER_GONE;
	else {
		strlcpy(session->check.service, service,
		    sizeof(session->check.service));
		strlcpy(session->check.ip, conn->peer.address,
		    sizeof(session->check.ip));
		memcpy(session->ahead, ahead.ptr, ahead.len);
		session->ahead_len = ahead.len;
		session->fd = conn->rfd;
		return hand_over_ask(path, session);
	}
	explicit_bzero(session, sizeof(*session));
	return end;
}
