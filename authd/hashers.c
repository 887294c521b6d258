/* Contract in hashers.h. */
#include <errno.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "authd/hashers.h"
#include "lib/store/secret.h"
#include "lib/base/io.h"
#include "lib/base/ipc.h"
#include "lib/base/log.h"
#include "lib/base/service.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_auth.h"

#define HELPERS_MAX	64
#define RESTART_MS	1000
#define SECRET_MAX	(AUTH_PASSWORD_MAX + 16)

struct hash_job {
	STAILQ_ENTRY(hash_job)	 entry;
	hash_fn			*fn;
	void			*arg;
	char			 secret[SECRET_MAX];
	char			 password[AUTH_PASSWORD_MAX + 1];
};

struct helper {
	struct hashers	*hs;
	struct event	*ev;
	struct event	*late;
	struct hash_job	*job;		/* being done, or NULL */
	pid_t		 pid;
	int		 fd;		/* -1 until it is started again */
	int64_t		 started;
};

struct hashers {
	struct event_base	*base;
	STAILQ_HEAD(, hash_job)	 queue;
	unsigned int		 queued;
	unsigned int		 n;
	struct helper		 helper[HELPERS_MAX];
};

static void	 helper_start(struct helper *);	/* starts a reader that
						 * starts helpers */

static void
wipe(struct ipc_msg *m)
{
	explicit_bzero(m->data, sizeof(m->data));
}

/* Wipes all of the buffer that held the octets. */
static void
get_secret(struct ipc_msg *m, const char *key, char *out, size_t size)
{
	struct buf	 b;

	buf_init(&b, size - 1);
	(void)buf_reserve(&b, size - 1);
	ipc_get_octets(m, key, &b);
	strlcpy(out, buf_cstr(&b), size);
	explicit_bzero(b.ptr, b.size);
	buf_free(&b);
}

static void
put_secret(struct ipc_msg *m, const char *key, const char *s)
{
	struct buf	 b;

	buf_init(&b, 3 * SECRET_MAX);
	(void)buf_reserve(&b, 3 * SECRET_MAX);
	if (text_xencode(&b, slice_str(s), false) == -1)
		m->bad = true;
	ipc_put(m, key, buf_cstr(&b));
	explicit_bzero(b.ptr, b.size);
	buf_free(&b);
}

/*
 * The helper: a straight line.  Nothing of authd is used but the socket; the
 * tables it was forked with are the reason for closing everything else and
 * for saying nothing but yes and no.
 */
static noreturn void
helper_main(int fd)
{
	static struct ipc_msg	 m;
	static char		 secret[SECRET_MAX];
	static char		 password[AUTH_PASSWORD_MAX + 1];
	uint64_t		 id;
	bool			 fits;
	int			 n;

	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (dup2(fd, 0) == -1)
		_exit(1);
	service_close_from(3);
	service_title("hasher");
	for (;;) {
		n = ipc_recv(0, &m, 3600 * 1000);
		if (n == -1 && errno == ETIMEDOUT)
			continue;
		if (n != 1)
			_exit(n == 0 ? 0 : 1);
		id = m.id;
		get_secret(&m, "secret", secret, sizeof(secret));
		get_secret(&m, "password", password, sizeof(password));
		if (ipc_end(&m) == -1)
			_exit(1);
		wipe(&m);
		fits = secret_verify(secret, password);
		explicit_bzero(password, sizeof(password));
		explicit_bzero(secret, sizeof(secret));
		ipc_start(&m, "hashed", id);
		ipc_put_u64(&m, "fits", fits);
		if (ipc_send(0, &m, 60 * 1000) == -1)
			_exit(1);
	}
}

static void
job_done(struct hash_job *job, enum hash_result result)
{
	hash_fn	*fn = job->fn;
	void	*arg = job->arg;

	explicit_bzero(job, sizeof(*job));
	free(job);
	fn(result, arg);
}

static void
helper_stop(struct helper *h)
{
	if (h->ev != NULL)
		event_free(h->ev);
	h->ev = NULL;
	event_del(h->late);
	io_close(h->fd);
	h->fd = -1;
	if (h->pid > 0) {
		/* It holds nothing that a kill could spoil. */
		kill(h->pid, SIGKILL);
		while (waitpid(h->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	h->pid = 0;
}

static void
helper_replace(struct helper *h, const char *why)
{
	struct timeval	 pause = { .tv_sec = RESTART_MS / 1000 };
	struct hash_job	*job = h->job;

	log_warnx("event=hasher-replaced pid=%ld reason=\"%s\"",
	    (long)h->pid, why);
	h->job = NULL;
	helper_stop(h);
	if (io_monotonic_ms() - h->started >= RESTART_MS)
		helper_start(h);
	else
		event_add(h->late, &pause);	/* no spinning */
	if (job != NULL)
		job_done(job, HASH_FAILED);
}

/* False when the helper has died: its socket is about to tell. */
static bool
helper_give(struct helper *h, struct hash_job *job)
{
	static struct ipc_msg	 m;
	struct timeval		 limit = { .tv_sec = HASHERS_JOB_MS / 1000 };
	int			 n;

	ipc_start(&m, "hash", 1);
	put_secret(&m, "secret", job->secret);
	put_secret(&m, "password", job->password);
	n = ipc_send(h->fd, &m, 0);
	wipe(&m);
	if (n == -1)
		return false;
	h->job = job;
	event_add(h->late, &limit);
	return true;
}

static void
hashers_next(struct hashers *hs)
{
	struct hash_job	*job;
	unsigned int	 i;

	for (i = 0; i < hs->n && hs->queued > 0; i++) {
		if (hs->helper[i].job != NULL || hs->helper[i].fd == -1)
			continue;
		job = STAILQ_FIRST(&hs->queue);
		if (helper_give(&hs->helper[i], job)) {
			STAILQ_REMOVE_HEAD(&hs->queue, entry);
			hs->queued--;
		}
	}
}

static void
helper_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	struct helper		*h = arg;
	struct hashers		*hs = h->hs;
	struct hash_job		*job;
	uint64_t		 fits;
	int			 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == 1) {
		ipc_get_u64(&m, "fits", 1, &fits);
		n = ipc_end(&m) == 0 && h->job != NULL ? 1 : -1;
	}
	if (n != 1) {
		helper_replace(h, "it died");
	} else {
		job = h->job;
		h->job = NULL;
		event_del(h->late);
		job_done(job, fits == 1 ? HASH_FITS : HASH_DIFFERS);
	}
	hashers_next(hs);
}

static void
helper_late(int fd, short what, void *arg)
{
	struct helper	*h = arg;
	struct hashers	*hs = h->hs;

	(void)fd;
	(void)what;
	if (h->fd == -1)
		helper_start(h);
	else
		helper_replace(h, "a hash took too long");
	hashers_next(hs);
}

static void
helper_start(struct helper *h)
{
	int	 fds[2];

	if (ipc_pair(fds) == -1)
		fatal("event=hasher-failed");
	if ((h->pid = fork()) == -1)
		fatal("event=hasher-failed");
	if (h->pid == 0)
		helper_main(fds[1]);
	io_close(fds[1]);
	h->fd = fds[0];
	h->ev = event_new(h->hs->base, h->fd, EV_READ | EV_PERSIST,
	    helper_read, h);
	h->started = io_monotonic_ms();
	if (h->ev == NULL || event_add(h->ev, NULL) == -1)
		fatalx("event=out-of-memory");
}

struct hashers *
hashers_new(struct event_base *base, unsigned int n)
{
	struct hashers	*hs = xcalloc(1, sizeof(*hs));
	unsigned int	 i;
	long		 cpus;

	if (n == 0)
		n = (cpus = sysconf(_SC_NPROCESSORS_ONLN)) < 1 ? 1 :
		    (unsigned int)cpus;
	hs->base = base;
	hs->n = n < HELPERS_MAX ? n : HELPERS_MAX;
	STAILQ_INIT(&hs->queue);
	for (i = 0; i < hs->n; i++) {
		hs->helper[i].hs = hs;
		hs->helper[i].late = event_new(base, -1, 0, helper_late,
		    &hs->helper[i]);
		if (hs->helper[i].late == NULL)
			fatalx("event=out-of-memory");
		helper_start(&hs->helper[i]);
	}
	return hs;
}

void
hashers_free(struct hashers *hs)
{
	struct hash_job	*job;
	unsigned int	 i;

	if (hs == NULL)
		return;
	for (i = 0; i < hs->n; i++) {
		helper_stop(&hs->helper[i]);
		event_free(hs->helper[i].late);
		if ((job = hs->helper[i].job) != NULL) {
			explicit_bzero(job, sizeof(*job));
			free(job);
		}
	}
	while ((job = STAILQ_FIRST(&hs->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&hs->queue, entry);
		explicit_bzero(job, sizeof(*job));
		free(job);
	}
	free(hs);
}

int
hashers_ask(struct hashers *hs, const char *secret, const char *password,
    hash_fn *fn, void *arg)
{
	struct hash_job	*job;

	if (hs->queued >= HASHERS_QUEUE) {
		errno = EAGAIN;
		return -1;
	}
	job = xcalloc(1, sizeof(*job));
	job->fn = fn;
	job->arg = arg;
	if (strlcpy(job->secret, secret, sizeof(job->secret)) >=
	    sizeof(job->secret) || strlcpy(job->password, password,
	    sizeof(job->password)) >= sizeof(job->password)) {
		explicit_bzero(job, sizeof(*job));
		free(job);
		errno = EMSGSIZE;
		return -1;
	}
	STAILQ_INSERT_TAIL(&hs->queue, job, entry);
	hs->queued++;
	hashers_next(hs);
	return 0;
}
