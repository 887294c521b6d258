/* Contract in session.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/net/pop3.h"
#include "lib/store/home_wall.h"
#include "lib/store/quota.h"
#include "lib/store/wake.h"
#include "pop3-session/command.h"
#include "pop3-session/session.h"
#include "pop3-session/update.h"

static const char *
session_end_name(enum session_end end)
{
	switch (end) {
	case SESSION_GOES_ON:		break;
	case SESSION_QUIT:		return "quit";
	case SESSION_DROPPED:		return "dropped";
	case SESSION_TIMEOUT:		return "timeout";
	case SESSION_STOPPED:		return "stopped";
	case SESSION_ERROR_LIMIT:	return "errors";
	case SESSION_REFUSED:		return "refused";
	}
	return "?";
}

/* The answer to PASS or AUTH: ours to give, as only we know the mailbox. */
static void
session_login(struct session *s)
{
	s->end = SESSION_REFUSED;
	if (s->conf->mailbox_mbox) {
		command_answer(s, "-ERR [SYS/PERM] Mail is kept in one text "
		    "file here, which POP3 does not serve");
		return;
	}
	switch (mailbox_open(&s->mb, s->who->home,
	    s->conf->pop3d.login_delay)) {
	case MAILBOX_OK:
		stream_printf(&s->s, "+OK Logged in, %zu messages\r\n",
		    s->mb.list.n);
		s->end = SESSION_GOES_ON;
		return;
	case MAILBOX_IN_USE:
		command_answer(s, "-ERR [IN-USE] Another POP3 session has "
		    "this mailbox open");
		return;
	case MAILBOX_TOO_SOON:
		stream_printf(&s->s, "-ERR [LOGIN-DELAY] Logins must be %u "
		    "seconds apart\r\n", s->conf->pop3d.login_delay);
		return;
	case MAILBOX_DENIED:
		log_warn("event=pop3-mailbox-failed user=%s home=%s",
		    log_esc(s->who->user), log_esc(s->who->home));
		command_answer(s, "-ERR [SYS/PERM] The mailbox may not be "
		    "opened; tell your postmaster");
		return;
	case MAILBOX_ERROR:
		log_warn("event=pop3-mailbox-failed user=%s home=%s",
		    log_esc(s->who->user), log_esc(s->who->home));
		command_answer(s, "-ERR [SYS/TEMP] The mailbox cannot be "
		    "opened now, try again later");
		return;
	}
}

static void
session_step(struct session *s)
{
	struct slice	 line;

	switch (stream_line(&s->s, POP3_LINE, &line)) {
	case STREAM_OK:
		command_run(s, line);
		/* Who no longer hears us has not meant what comes next. */
		if (s->s.dead)
			s->end = SESSION_DROPPED;
		return;
	case STREAM_TOOLONG:
		command_error(s, "-ERR Line too long");
		return;
	case STREAM_BARE:
		command_error(s, "-ERR Carriage return inside a line");
		return;
	case STREAM_TIMEOUT:
		/* RFC 1939 3: without a word, and nothing is removed. */
		s->end = SESSION_TIMEOUT;
		return;
	case STREAM_STOP:
		command_answer(s, "-ERR [SYS/TEMP] Shutting down");
		s->end = SESSION_STOPPED;
		return;
	case STREAM_EOF:
	case STREAM_ERROR:
		s->end = SESSION_DROPPED;
		return;
	}
}

/* After the client has its answer: nobody waits for this. */
static void
session_report_usage(struct session *s, const struct update_result *r)
{
	struct auth_client	 authd;
	struct quota		 q = { s->who->quota_octets,
				    s->who->quota_count };
	uint64_t		 octets, count;
	char			 path[108];

	if (r->removed == 0 || (q.octets == 0 && q.count == 0))
		return;
	if (quota_add(s->mb.dir, -(int64_t)r->octets,
	    -(int64_t)r->removed) == -1 ||
	    quota_usage(s->mb.dir, &q, &octets, &count) == -1) {
		log_warn("event=quota-failed user=%s", log_esc(s->who->user));
		return;
	}
	if (snprintf(path, sizeof(path), "%s/authd/authd.sock",
	    s->conf->run_dir) >= (int)sizeof(path))
		return;
	auth_client_init(&authd, path);
	if (auth_client_usage(&authd, s->who->user, octets, count) == -1)
		log_warn("event=authd-unreachable path=%s", log_esc(path));
	auth_client_close(&authd);
}

static void
session_quit(struct session *s)
{
	struct update_result	 r;

	/* Nothing is removed before what was asked for is on its way. */
	if (stream_flush(&s->s) != STREAM_OK) {
		s->end = SESSION_DROPPED;
		return;
	}
	if (update_commit(&s->mb, s->conf->pop3d.expire, time(NULL), &r) == 0)
		command_answer(s, "+OK Goodbye");
	else
		command_answer(s, "-ERR [SYS/TEMP] Some deleted messages "
		    "were not removed");
	s->deleted = r.removed;
	/* Who reads the answer may log in again at once. */
	mailbox_unlock(&s->mb);
	if (r.removed > 0)
		wake_send_home(s->who->home, ".");
	if (stream_flush(&s->s) != STREAM_OK)
		s->end = SESSION_DROPPED;
	session_report_usage(s, &r);
}

void
session_serve(const struct config *conf, const struct auth_handed *who,
    int rfd, int wfd, const struct session_parked *parked)
{
	static struct session	 s;	/* a process serves one session */
	int64_t			 begun = io_monotonic_ms();
	enum stream_status	 st;

	(void)parked;		/* none ever is */
	home_wall(who->home);
	memset(&s, 0, sizeof(s));
	s.conf = conf;
	s.who = who;
	s.mb.cur = s.mb.new = s.mb.lock = -1;
	stream_init(&s.s, rfd, wfd, (int)conf->pop3d.net.idle_timeout * 1000,
	    (int64_t)conf->pop3d.net.total_timeout * 1000);
	s.s.bare_lf_ok = true;
	stream_block(&s.s);
	memcpy(s.s.in, who->ahead, who->ahead_len);
	s.s.in_len = who->ahead_len;

	session_login(&s);
	while (s.end == SESSION_GOES_ON)
		session_step(&s);
	if (s.end == SESSION_QUIT)
		session_quit(&s);
	else if (s.end != SESSION_DROPPED && s.end != SESSION_TIMEOUT &&
	    (st = stream_flush(&s.s)) != STREAM_OK)
		s.end = st == STREAM_TIMEOUT ? SESSION_TIMEOUT :
		    SESSION_DROPPED;
	log_info("event=pop3-session user=%s ip=%s retrieved=%zu deleted=%zu "
	    "octets=%llu end=%s ms=%lld", log_esc(who->user),
	    log_esc(who->ip), s.retrieved, s.deleted,
	    (unsigned long long)s.octets, session_end_name(s.end),
	    (long long)(io_monotonic_ms() - begun));
	mailbox_close(&s.mb);
	stream_free(&s.s);
}
