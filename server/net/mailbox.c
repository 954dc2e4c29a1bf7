#include "mailbox.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rank.h"

bool mailbox_init(struct mailbox *m)
{
    lock_init(&m->lock, RANK_MAILBOX);
    m->first = NULL;
    m->last = &m->first;
    m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return m->fd >= 0;
}

void mailbox_close(struct mailbox *m)
{
    if (m->fd < 0)
        return;
    mailbox_drop(mailbox_take(m));
    close(m->fd);
    m->fd = -1;
}

void mailbox_drop(struct mail *all)
{
    for (struct mail *mail = all, *next; mail != NULL; mail = next) {
        next = mail->next;
        if (mail->kind == MAIL_CONNECTION)
            close(mail->fd);
        free(mail);
    }
}

struct mail *mail_create(enum mail_kind kind, size_t len)
{
    struct mail *mail = malloc(sizeof *mail + len);
    if (mail != NULL)
        *mail = (struct mail){.kind = kind, .fd = -1, .len = len};
    return mail;
}

void mailbox_post(struct mailbox *m, struct mail *mail)
{
    atomic_fetch_add_explicit(&m->waiting, mail_bytes(mail), memory_order_relaxed);
    lock_acquire(&m->lock);
    bool was_empty = m->first == NULL;
    mail->next = NULL;
    *m->last = mail;
    m->last = &mail->next;
    lock_release(&m->lock);
    if (was_empty)
        mailbox_wake(m);
}

void mailbox_wake(struct mailbox *m)
{
    uint64_t one = 1;
    /* Fails only when the counter is full, and then the owner is woken already. */
    if (write(m->fd, &one, sizeof one) < 0)
        return;
}

void mailbox_done(struct mailbox *m, struct mail *mail)
{
    atomic_fetch_sub_explicit(&m->waiting, mail_bytes(mail), memory_order_relaxed);
    free(mail);
}

struct mail *mailbox_take(struct mailbox *m)
{
    uint64_t count;
    /* Nothing to read is no fault: an earlier call took the mail that this wake was for. */
    if (read(m->fd, &count, sizeof count) < 0)
        count = 0;
    lock_acquire(&m->lock);
    struct mail *all = m->first;
    m->first = NULL;
    m->last = &m->first;
    lock_release(&m->lock);
    return all;
}
