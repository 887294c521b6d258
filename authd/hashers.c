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
#include "lib/base/xmalloc.h"
#include "lib/net/proto_auth.h"

#define HELPERS_MAX	64
#define RESTART_MS	1000
#define SECRET_MAX	(AUTH_PASSWORD_MAX + 16)

struct hash_job {
	STAILQ_ENTRY(hash_job)	 entry;
	hash_fn			*fn;
	void			*arg;
	bool			 derive;	/* secret: an unfinished
						 * scram_keys_print() */
	enum scram_hash		 hash;
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
	STAILQ_HEAD(hash_queue, hash_job) queue[2];	/* [1]: late ones */
	unsigned int		 queued[2];
	unsigned int		 given;
	unsigned int		 n;
	struct helper		 helper[HELPERS_MAX];
};

static void	 helper_start(struct helper *);	/* starts a reader that
						 * starts helpers */

static void
wipe(struct ipc_msg *m)
{
	explicit_bzero(m->data, m->len);
}

/* The packet becomes its answer.  -1: it makes no sense. */
static int
helper_job(struct ipc_msg *m)
{
	static char		 secret[SECRET_MAX];
	static char		 password[AUTH_PASSWORD_MAX + 1];
	char			 text[SCRAM_KEYS_TEXT] = "";
	struct scram_keys	 keys;
	uint64_t		 id = m->id, hash;
	bool			 fits;

	ipc_get_u64(m, "derive", SCRAM_HASHES, &hash);
	ipc_get_text(m, "secret", secret, sizeof(secret));
	ipc_get_text(m, "password", password, sizeof(password));
	if (ipc_end(m) == -1)
		return -1;
	wipe(m);
	if (hash == SCRAM_HASHES)
		fits = secret_verify(secret, password);
	else {
		fits = scram_keys_parse(slice_str(secret),
		    (enum scram_hash)hash, &keys) == 0 &&
		    scram_keys_make(&keys, password) == 0;
		if (fits)
			scram_keys_print(&keys, text);
		explicit_bzero(&keys, sizeof(keys));
	}
	explicit_bzero(password, sizeof(password));
	explicit_bzero(secret, sizeof(secret));
	ipc_start(m, "hashed", id);
	ipc_put_u64(m, "fits", fits);
	ipc_put(m, "keys", text);
	explicit_bzero(text, sizeof(text));
	return 0;
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
		if (helper_job(&m) == -1 || ipc_send(0, &m, 60 * 1000) == -1)
			_exit(1);
		wipe(&m);
	}
}

static void
job_free(struct hash_job *job)
{
	explicit_bzero(job, sizeof(*job));
	free(job);
}

static void
job_done(struct hash_job *job, enum hash_result result,
    const struct scram_keys *keys)
{
	hash_fn	*fn = job->fn;
	void	*arg = job->arg;

	job_free(job);
	fn(result, result == HASH_FITS ? keys : NULL, arg);
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
		job_done(job, HASH_FAILED, NULL);
}

/* False when the helper has died: its socket is about to tell. */
static bool
helper_give(struct helper *h, struct hash_job *job)
{
	static struct ipc_msg	 m;
	struct timeval		 limit = { .tv_sec = HASHERS_JOB_MS / 1000 };
	int			 n;

	ipc_start(&m, "hash", 1);
	ipc_put_u64(&m, "derive", job->derive ? job->hash : SCRAM_HASHES);
	ipc_put_text(&m, "secret", job->secret);
	ipc_put_text(&m, "password", job->password);
	n = ipc_send(h->fd, &m, 0);
	wipe(&m);
	if (n == -1)
		return false;
	h->job = job;
	event_add(h->late, &limit);
	return true;
}

/* Whose turn it is: late ones wait for others, but not for ever. */
static unsigned int
hashers_turn(const struct hashers *hs)
{
	if (hs->queued[0] == 0)
		return 1;
	return hs->queued[1] > 0 && hs->given % HASHERS_LATE ==
	    HASHERS_LATE - 1;
}

static void
hashers_next(struct hashers *hs)
{
	struct hash_job	*job;
	unsigned int	 i, q;

	for (i = 0; i < hs->n && hs->queued[0] + hs->queued[1] > 0; i++) {
		if (hs->helper[i].job != NULL || hs->helper[i].fd == -1)
			continue;
		q = hashers_turn(hs);
		job = STAILQ_FIRST(&hs->queue[q]);
		if (helper_give(&hs->helper[i], job)) {
			STAILQ_REMOVE_HEAD(&hs->queue[q], entry);
			hs->queued[q]--;
			hs->given++;
		}
	}
}

/* 1, or -1 when the helper makes no sense. */
static int
helper_answer(struct helper *h, struct ipc_msg *m)
{
	struct hash_job		*job = h->job;
	struct scram_keys	 keys;
	char			 text[SCRAM_KEYS_TEXT];
	uint64_t		 fits;
	bool			 sane;

	ipc_get_u64(m, "fits", 1, &fits);
	ipc_get(m, "keys", text, sizeof(text));
	sane = ipc_end(m) == 0 && job != NULL && (!job->derive || fits == 0 ||
	    scram_keys_parse(slice_str(text), job->hash, &keys) == 0);
	wipe(m);
	explicit_bzero(text, sizeof(text));
	if (!sane)
		return -1;
	h->job = NULL;
	event_del(h->late);
	job_done(job, fits == 1 ? HASH_FITS : HASH_DIFFERS,
	    job->derive ? &keys : NULL);
	explicit_bzero(&keys, sizeof(keys));
	return 1;
}

static void
helper_read(int fd, short what, void *arg)
{
	static struct ipc_msg	 m;
	struct helper		*h = arg;
	struct hashers		*hs = h->hs;
	int			 n;

	(void)what;
	n = ipc_recv(fd, &m, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n != 1 || helper_answer(h, &m) == -1)
		helper_replace(h, "it died");
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
	STAILQ_INIT(&hs->queue[0]);
	STAILQ_INIT(&hs->queue[1]);
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
		if (hs->helper[i].job != NULL)
			job_free(hs->helper[i].job);
	}
	for (i = 0; i < 2; i++)
		while ((job = STAILQ_FIRST(&hs->queue[i])) != NULL) {
			STAILQ_REMOVE_HEAD(&hs->queue[i], entry);
			job_free(job);
		}
	free(hs);
}

static int
hashers_add(struct hashers *hs, const struct hash_job *what,
    const char *secret, const char *password, bool late)
{
	struct hash_job	*job;

	if (hs->queued[late] >= HASHERS_QUEUE) {
		errno = EAGAIN;
		return -1;
	}
	job = xcalloc(1, sizeof(*job));
	job->fn = what->fn;
	job->arg = what->arg;
	job->derive = what->derive;
	job->hash = what->hash;
	if (strlcpy(job->secret, secret, sizeof(job->secret)) >=
	    sizeof(job->secret) || strlcpy(job->password, password,
	    sizeof(job->password)) >= sizeof(job->password)) {
		job_free(job);
		errno = EMSGSIZE;
		return -1;
	}
	STAILQ_INSERT_TAIL(&hs->queue[late], job, entry);
	hs->queued[late]++;
	hashers_next(hs);
	return 0;
}

int
hashers_ask(struct hashers *hs, const char *secret, const char *password,
    bool late, hash_fn *fn, void *arg)
{
	struct hash_job	 what = { .fn = fn, .arg = arg };

	return hashers_add(hs, &what, secret, password, late);
}

int
hashers_derive(struct hashers *hs, const struct scram_keys *keys,
    const char *password, bool late, hash_fn *fn, void *arg)
{
	struct hash_job	 what = { .fn = fn, .arg = arg, .derive = true,
	    .hash = keys->hash };
	char		 text[SCRAM_KEYS_TEXT];

	scram_keys_print(keys, text);
	return hashers_add(hs, &what, text, password, late);
}
