/*
 * What the methods of check.h share.  A method ends in exactly one of
 * check_right(), check_wrong(), check_later(), at once or from the loop; the
 * check is not to be touched after that.
 */
#ifndef AUTHD_CHECK_PARTS_H
#define AUTHD_CHECK_PARTS_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "authd/authd.h"
#include "authd/check.h"
#include "lib/net/proto_auth.h"
#include "lib/net/proto_spawn.h"
#include "lib/store/scram_keys.h"

struct event;

struct check {
	TAILQ_ENTRY(check)	 entry;		/* while it waits */
	struct authd		*a;
	struct ipc_client	*client;
	uint64_t		 id;
	int64_t			 start;		/* monotonic ms */
	struct event		*timer;
	struct auth_session	 s;
	const char		*how;		/* for the log; static */
	char			*app;		/* the app password's name */
	char			*secret;	/* what it was compared with */
	bool			 known;		/* the secret is the user's */
	bool			 session;
	enum spawn_kind		 kind;
	char			*message;	/* SCRAM's AuthMessage */
	char			 signature[SCRAM_BASE64];
};

void	 check_right(struct check *, const struct user *);
/* reason: a word for the log. */
void	 check_wrong(struct check *, const char *reason);
void	 check_later(struct check *, const char *reason);
/* check_later() when he may well exist, else check_wrong(). */
void	 check_unknown(struct check *);
/* The user of that login name who may log in; NULL: treat as unknown. */
const struct user *check_user(const struct check *, const char *name);
bool	 check_service_known(const char *service);

/* The methods. */
void	 password_check(struct check *);
void	 scram_check(struct check *);
void	 pass_check(struct check *);
void	 token_check(struct check *);
/* Of passwords, when u is an account of this machine. */
void	 account_check(struct check *, const struct user *u);

#endif
