/*
 * Contract in serve.h.  queue-runner is trusted more than this process: a
 * packet that makes no sense ends it.
 */
#include <sys/socket.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "remote/job.h"
#include "remote/serve.h"
#include "remote/session.h"

#define OPEN_MS		30000	/* for the first packet */
#define ANSWER_MS	60000

enum event { EVENT_PACKET, EVENT_LEAVE };

/* One each, not on the stack: a packet is 32 KiB, a job more. */
static struct ipc_msg		 msg;
static struct remote_open	 place;
static struct remote_job	 job;
static struct remote_result	 result;
static struct session		 session;

static volatile sig_atomic_t	 stopping;
static sigset_t			 unblocked;

static void
stop(int sig)
{
	(void)sig;
	stopping = 1;
}

/*
 * SIGTERM, blocked by the parent so far, is let in only while we wait for work:
 * a job is finished first.
 */
static void
stop_between_jobs(void)
{
	struct sigaction	 sa = { .sa_handler = stop };
	sigset_t		 set;

	sigemptyset(&set);
	sigemptyset(&unblocked);
	sigaddset(&set, SIGTERM);
	sigaction(SIGTERM, &sa, NULL);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

/* Has SIGTERM come, perhaps while it was blocked? */
static bool
must_stop(void)
{
	sigset_t	 set;

	return stopping || (sigpending(&set) == 0 &&
	    sigismember(&set, SIGTERM) == 1);
}

/* Until a packet comes, or it is time to go. */
static enum event
wait_work(int sock, int64_t until)
{
	struct pollfd	 pfd[2] = { { .fd = sock, .events = POLLIN } };
	struct timespec	 ts;
	int64_t		 left;

	for (;;) {
		left = until - io_monotonic_ms();
		if (stopping || left <= 0)
			return EVENT_LEAVE;
		/* A host that ends the conversation is not held up. */
		if (session.fd != -1 && !session_alive(&session))
			session_close(&session);
		pfd[1].fd = session.fd;
		pfd[1].events = POLLIN;
		pfd[1].revents = 0;
		ts.tv_sec = (time_t)(left / 1000);
		ts.tv_nsec = (long)(left % 1000) * 1000000;
		if (ppoll(pfd, 2, &ts, &unblocked) == -1 && errno != EINTR)
			return EVENT_LEAVE;
		if (pfd[0].revents != 0)
			return EVENT_PACKET;
	}
}

/* 0 and the result is sent; -1: this process is done for. */
static int
do_job(int sock, bool last)
{
	uint64_t	 asked = msg.id;

	if (proto_remote_get_job(&msg, &job) == -1) {
		log_warnx("event=bad-job verb=%s", log_esc(msg.verb));
		return -1;
	}
	job_run(&session, &job, &result);
	proto_remote_job_free(&job);
	if (last || must_stop())
		result.kept = false;
	proto_remote_put_result(&msg, asked, &result);
	if (ipc_send(sock, &msg, ANSWER_MS) == 0)
		return 0;
	log_warn("event=answer-lost id=%s", result.id);
	return -1;
}

/*
 * Going by ourselves: no further packet gets in, and one that did before is
 * still answered.  So queue-runner knows that a job whose sending failed was
 * not taken.
 */
static int
leave(int sock)
{
	int	 n;

	(void)shutdown(sock, SHUT_RD);
	while ((n = ipc_recv(sock, &msg, 0)) == 1)
		if (do_job(sock, true) == -1)
			return EX_PROTOCOL;
	return n == 0 || errno == EAGAIN ? EX_OK : EX_PROTOCOL;
}

static int
jobs(const struct config *cfg, int sock)
{
	int64_t	 idle = (int64_t)cfg->remote.idle * 1000;
	int	 n;

	while (wait_work(sock, io_monotonic_ms() + idle) == EVENT_PACKET) {
		n = ipc_recv(sock, &msg, 0);
		if (n == -1 && errno == EAGAIN)
			continue;
		if (n == 0 || (n == -1 && errno == ECONNRESET))
			return EX_OK;
		if (n == -1) {
			log_warn("event=bad-packet");
			return EX_PROTOCOL;
		}
		if (do_job(sock, false) == -1)
			return EX_PROTOCOL;
		if (!result.kept)
			break;
	}
	return leave(sock);
}

int
serve(const struct config *cfg, struct tls_client_ctx *tls, int sock)
{
	int	 n, code;

	stop_between_jobs();
	n = ipc_recv(sock, &msg, OPEN_MS);
	if (n == 0)
		return EX_OK;
	if (n == -1 || proto_remote_get_open(&msg, &place) == -1) {
		log_warn("event=bad-open");
		ipc_drop(&msg);
		return EX_PROTOCOL;
	}
	session_init(&session, cfg, &place, tls);
	session.asker = sock;
	code = jobs(cfg, sock);
	/* queue-runner need not wait for the answer to QUIT. */
	close(sock);
	session.asker = -1;
	session_close(&session);
	proto_remote_open_free(&place);
	return code;
}
