/*
 * Contract in worker.h.  Straight-line: receive, deliver, answer.  The job
 * comes from queue-runner, which is trusted more than this process: a packet
 * that makes no sense ends it.
 */
#include <sys/socket.h>
#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver/local.h"
#include "deliver/worker.h"
#include "lib/base/log.h"
#include "lib/net/smtp_submit.h"

#define ANSWER_TIMEOUT_MS	60000

/* One each, not on the stack: a packet is 32 KiB. */
static struct ipc_msg		 msg;
static struct deliver_job	 job;
static struct deliver_result	 result;

static void
worker_init(struct worker *w, const struct config *cfg)
{
	w->cfg = cfg;
	w->used_known = false;
	if (snprintf(w->authd_path, sizeof(w->authd_path),
	    "%s/authd/authd.sock", cfg->run_dir) >=
	    (int)sizeof(w->authd_path) ||
	    smtp_submit_path(cfg->run_dir, w->submit_path,
	    sizeof(w->submit_path)) == -1)
		fatalx("event=bad-config reason=\"run-dir is too long\"");
	auth_client_init(&w->authd, w->authd_path);
}

/*
 * After the answer, so that nobody waits for it.  Only news for authd's
 * memory: when it cannot be told, the next letter tells it.
 */
static void
report_usage(struct worker *w)
{
	if (!w->used_known)
		return;
	if (auth_client_usage(&w->authd, job.user, w->used_octets,
	    w->used_count) == -1)
		log_debug("event=usage-untold user=%s errno=%d",
		    log_esc(job.user), errno);
	w->used_known = false;
}

static int
worker_job(struct worker *w, int sock)
{
	uint64_t	 asked = msg.id;

	if (proto_deliver_get_job(&msg, &job) == -1) {
		log_warnx("event=bad-job verb=%s", log_esc(msg.verb));
		return -1;
	}
	local_deliver(w, &job, &result);
	close(job.fd);
	proto_deliver_put_result(&msg, asked, &result);
	if (ipc_send(sock, &msg, ANSWER_TIMEOUT_MS) == -1) {
		log_warn("event=answer-lost id=%s verdict=%d", job.id,
		    (int)result.verdict);
		return -1;
	}
	report_usage(w);
	return 0;
}

int
worker_run(const struct config *cfg, int sock)
{
	struct worker	 w;
	int		 type, n;
	socklen_t	 len = sizeof(type);

	if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_SEQPACKET) {
		log_warnx("event=bad-start reason=\"descriptor 0 is no "
		    "SOCK_SEQPACKET socket: -w is started by spawner\"");
		return EX_USAGE;
	}
	worker_init(&w, cfg);
	while ((n = ipc_recv(sock, &msg, (int)cfg->spawner.idle * 1000)) == 1)
		if (worker_job(&w, sock) == -1)
			return EX_PROTOCOL;
	auth_client_close(&w.authd);
	if (n == 0 || errno == ETIMEDOUT || errno == ECONNRESET)
		return EX_OK;
	log_warn("event=bad-packet");
	return EX_PROTOCOL;
}
