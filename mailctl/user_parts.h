/* What mailctl user and mailctl app-password share. */
#ifndef MAILCTL_USER_PARTS_H
#define MAILCTL_USER_PARTS_H

#include "lib/base/config.h"
#include "lib/mail/address.h"
#include "lib/store/scram_keys.h"
#include "mailctl/change.h"
#include "mailctl/mailctl.h"
#include "mailctl/users_file.h"

#define USER_SECRET	512	/* of a secret, with its NUL */

/* What a password becomes in the file. */
struct user_proofs {
	char	 secret[USER_SECRET];
	char	 scram_sha_256[SCRAM_KEYS_TEXT];	/* or "" */
	char	 scram_sha_1[SCRAM_KEYS_TEXT];
};

/*
 * The address as it stands in the file: with its domain, in lower case.  An
 * exit code, its reason printed; so do the others here.
 */
int	 user_address(const struct config *, const char *arg,
	    struct address *);
/* Is there such a user in the text of the users file? */
bool	 user_is_there(const struct config *, const char *address);
int	 user_proofs_make(const struct config *, const char *password,
	    struct user_proofs *);
/*
 * The extra field with the words of these proofs in the place of others of
 * their kind.  NULL: without any.
 */
int	 user_proofs_words(struct buf *out, struct slice extra,
	    const struct user_proofs *);
/* The words without keys of SCRAM: for people. */
void	 user_words_shown(struct slice extra, struct buf *out);

/* change_good_fn of the two files. */
bool	 user_file_good(const struct config *, struct slice text,
	    struct buf *err);
bool	 app_file_good(const struct config *, struct slice text,
	    struct buf *err);

/* Write the file with a line more, or less. */
int	 user_line_add(struct change *, const char *line);
int	 user_line_del(struct change *, const struct users_line *);

/* Remove every app password of the user: who has the name next has none. */
int	 app_passwords_remove_all(const struct config *,
	    const char *address);

/* The commands, each in a file of its own. */
int	 user_show(struct mailctl *, const char *arg);
int	 user_certificate(struct mailctl *, int argc, char **argv);
int	 cmd_app_password(struct mailctl *, int argc, char **argv);

#endif
