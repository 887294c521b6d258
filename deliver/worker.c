/*
 * Contract in worker.h.  Straight-line: receive, deliver, finish, answer.  The
 * job comes from queue-runner, which is trusted more than this process: a
 * packet that makes no sense ends it.
 */
#include <sys/socket.h>
#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver/local.h"
#include "deliver/worker.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/net/smtp_submit.h"

#define ANSWER_TIMEOUT_MS	60000
#define BATCH			MAILDIR_PENDING	/* made durable together */
#define GATHER_MS		20	/* a batch may grow so long */
#define QUIET_MS		3	/* what queue-runner had has come */
#define ALONE_MS		50	/* after the last: nobody else comes */

/* Not on the stack: a packet is 32 KiB. */
static struct ipc_msg		 msg;
static struct deliver_job	 job;

static struct local_letter	 batch[BATCH];
static uint64_t			 asked[BATCH];	/* the jobs' packets */
static size_t			 nbatch;

static void
worker_init(struct worker *w, const struct config *cfg)
{
	w->cfg = cfg;
	if (snprintf(w->authd_path, sizeof(w->authd_path),
	    "%s/authd/authd.sock", cfg->run_dir) >=
	    (int)sizeof(w->authd_path) ||
	    smtp_submit_path(cfg->run_dir, w->submit_path,
	    sizeof(w->submit_path)) == -1)
		fatalx("event=bad-config reason=\"run-dir is too long\"");
	auth_client_init(&w->authd, w->authd_path);
}

/*
 * After the answers, so that nobody waits for it.  Only news for authd's
 * memory: when it cannot be told, the next letter tells it.
 */
static void
report_usage(struct worker *w, const struct local_letter *l)
{
	if (l->used_known && auth_client_usage(&w->authd, l->user,
	    l->used_octets, l->used_count) == -1)
		log_debug("event=usage-untold user=%s errno=%d",
		    log_esc(l->user), errno);
}

/* Make the batch durable and answer for it. */
static int
worker_finish(struct worker *w, int sock)
{
	size_t	 i, n = nbatch;

	nbatch = 0;
	local_finish(batch, n);
	for (i = 0; i < n; i++) {
		proto_deliver_put_result(&msg, asked[i], &batch[i].result);
		if (ipc_send(sock, &msg, ANSWER_TIMEOUT_MS) == -1) {
			log_warn("event=answer-lost id=%s verdict=%d",
			    batch[i].result.id,
			    (int)batch[i].result.verdict);
			return -1;
		}
	}
	for (i = 0; i < n; i++)
		report_usage(w, &batch[i]);
	return 0;
}

/* Take the job in msg; *more: others may join it. */
static int
worker_job(struct worker *w, int sock, bool *more)
{
	struct local_letter	*l;
	uint64_t		 id = msg.id;

	if (proto_deliver_get_job(&msg, &job) == -1) {
		log_warnx("event=bad-job verb=%s", log_esc(msg.verb));
		return -1;
	}
	/* What an answer of ours may wait for is known to be harmless. */
	if (job.again && nbatch > 0 && worker_finish(w, sock) == -1) {
		close(job.fd);
		return -1;
	}
	l = &batch[nbatch];
	asked[nbatch++] = id;
	local_deliver(w, &job, l);
	close(job.fd);
	*more = !job.again && l->pending.fd != -1 && nbatch < BATCH;
	return 0;
}

/* How long to wait for a packet. */
static int
worker_patience(const struct worker *w, int64_t until)
{
	int64_t	 left;

	if (nbatch == 0)
		return (int)w->cfg->spawner.idle * 1000;
	left = until - io_monotonic_ms();
	if (left > QUIET_MS)
		left = QUIET_MS;
	return left > 0 ? (int)left : 0;
}

static int
worker_loop(struct worker *w, int sock)
{
	int64_t	 now, until = 0, came = -ALONE_MS;
	bool	 more = false;
	int	 n, why;

	do {
		n = ipc_recv(sock, &msg, worker_patience(w, until));
		why = n == -1 ? errno : 0;
		if (n == 1) {
			now = io_monotonic_ms();
			if (nbatch == 0)
				until = now - came < ALONE_MS ?
				    now + GATHER_MS : now;
			came = now;
			if (worker_job(w, sock, &more) == -1)
				return EX_PROTOCOL;
			if (more)
				continue;
		}
		if (nbatch > 0) {
			if (worker_finish(w, sock) == -1)
				return EX_PROTOCOL;
			if (why == ETIMEDOUT || why == EAGAIN)
				n = 1;
		}
	} while (n == 1);
	if (n == 0 || why == ETIMEDOUT || why == ECONNRESET)
		return EX_OK;
	errno = why;
	log_warn("event=bad-packet");
	return EX_PROTOCOL;
}

int
worker_run(const struct config *cfg, int sock)
{
	struct worker	 w;
	int		 type, r;
	socklen_t	 len = sizeof(type);

	if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_SEQPACKET) {
		log_warnx("event=bad-start reason=\"descriptor 0 is no "
		    "SOCK_SEQPACKET socket: -w is started by spawner\"");
		return EX_USAGE;
	}
	worker_init(&w, cfg);
	r = worker_loop(&w, sock);
	auth_client_close(&w.authd);
	return r;
}
