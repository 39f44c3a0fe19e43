"""The English catalogue: every Chinese text of the pages with its English, in the order of the pages."""

from __future__ import annotations

ENGLISH: dict[str, str] = {
    "提词": "Tici",
    "未命名": "No name",
    "请勿打扰": "Do not disturb",
    # The board
    "看板": "Board",
    "流程": "Pipelines",
    "实时": "Live",
    "连接中断，正在重试": "Connection lost, retrying",
    "config.toml 里已经没有这个阶段": "config.toml no longer has this stage",
    "已停用": "Retired",
    "在这个阶段的时间": "Time in this stage",
    "下一个任务": "Next task",
    "这里还没有客户": "Nobody here yet",
    "只显示最新的 {n} 位": "Only the newest {n} are shown",
    "还没有流程": "No pipelines yet",
    "config.toml 里还没有 [[pipelines]]。可以从一份现成的开始，保存后这里会自己出现：": (
        "config.toml has no [[pipelines]] yet. Start from a ready-made one; it shows up here once saved:"
    ),
    # A customer
    "对话": "Conversation",
    "更早的消息": "Earlier messages",
    "还没有对话": "No conversation yet",
    "群聊": "group chat",
    "……还有 {n} 字": "… {n} more characters",
    "标签": "Tags",
    "还没有标签": "No tags yet",
    "以前的标签（{n}）": "Former tags ({n})",
    "任务": "Tasks",
    "还没有任务": "No tasks yet",
    "阶段记录": "Stage history",
    "还没有移动过": "Not moved yet",
    # A task
    "任务状态": "State of the task",
    "计划 {at}": "Planned for {at}",
    "客户 {at} 回复": "customer replied {at}",
    "相似度 {n}%": "{n}% similar",
    "已顺延：{why}": "Put off: {why}",
    "这样说": "Say this",
    "原定这样说": "What was to be said",
    "复制": "Copy",
    "已复制，去聊天里粘贴": "Copied, now paste it into the chat",
    "没能复制，请长按文字选择": "Could not copy, press and hold the text to select it",
    "在企业微信里发给客户就行，可以改成自己的话。发出后会自动识别，不用回来打勾。": (
        "Just send it to the customer in WeCom, in your own words if you like. It is recognised once sent; "
        "there is nothing to tick off here."
    ),
    "为什么是现在": "Why now",
    "按计划到时间了": "Its planned time has come",
    "最近的对话": "Latest conversation",
    "全部步骤": "All steps",
    # States of tasks
    "未到时间": "Not yet due",
    "正在提醒": "Prompting",
    "待发送": "To be sent",
    "待发送，提醒是否送达不明": "To be sent, prompt may not have arrived",
    "已发送": "Sent",
    "客户已回复": "Customer replied",
    "已过期": "Expired",
    "已取消": "Cancelled",
    "提醒没有送达": "Prompt not delivered",
    "按原文发送": "sent as written",
    "改写后发送": "sent in own words",
    "员工说已发送": "ticked off as sent",
    "由企业群发送出": "sent by mass message",
    "发了链接": "link sent",
    "发了小程序": "mini-program sent",
    "发了图片": "picture sent",
    "发了文件": "file sent",
    "早于提醒": "before the prompt",
    "按时": "in time",
    "晚了": "late",
    # Causes
    "事件": "Event",
    "到时间": "Timer",
    "手动": "By hand",
    "企业微信": "WeCom",
    "接口": "API",
    "规则": "Rule",
    "SOP": "SOP",
    "人工": "By hand",
    # Errors
    "请求不完整": "Incomplete request",
    "这个地址缺了点什么。请返回上一页，再点一次原来的链接。": (
        "Something is missing from this address. Go back and follow the link once more."
    ),
    "不能看这一页": "This page is not for you",
    "您没有查看的权限。如果您觉得应该有，请联系管理员。": (
        "You may not see this. If you think you should, ask your administrator."
    ),
    "没有这一页": "No such page",
    "地址可能写错了，或者内容已被删除。请返回看板重新查找。": (
        "The address may be wrong, or the content is gone. Look for it again from the board."
    ),
    "不能这样打开": "It cannot be opened this way",
    "这个地址不接受这种请求。请返回上一页。": "This address does not take such a request. Go back.",
    "这条任务已不在您这里": "This task is no longer yours",
    "任务可能已交给其他同事或被删除。请以企业微信里最新的提醒为准。": (
        "It may have gone to a colleague or been deleted. Go by the latest prompt in WeCom."
    ),
    "内容太大": "Too large",
    "一次最多 1 MB。请减少内容后再试。": "At most 1 MB at a time. Send less and try again.",
    "出错了": "Something went wrong",
    "问题已经记进日志。请稍后再试；反复出现时请联系管理员查看日志。": (
        "It has been logged. Try again later; if it keeps happening, ask your administrator to look at the log."
    ),
    "暂时不可用": "Unavailable for now",
    "服务正在恢复，请过一会儿再试。": "The service is recovering. Try again in a moment.",
    "需要看板链接": "A board link is needed",
    "看板里有客户资料，要用带签名的链接打开。请在服务器上运行下面的命令，再打开它给出的地址：": (
        "The board holds customers' data and opens by a signed link only. Run this on the server and open the "
        "address it prints:"
    ),
    "链接已过期": "The link has expired",
    "为了保护客户资料，链接过一段时间就会失效。请打开企业微信里最新的提醒。": (
        "Links end after a while to protect customers' data. Open the latest prompt in WeCom."
    ),
    "链接不对": "Not a good link",
    "这个链接不完整或被改动过。请从企业微信里的卡片重新打开，不要手工复制一半。": (
        "This link is incomplete or was altered. Open it again from the card in WeCom."
    ),
    "看板链接已过期": "The board link has expired",
    "请在服务器上重新生成一个看板链接：": "Make a new one on the server:",
    "看板链接不对": "Not a good board link",
    "链接不完整或被改动过。请在服务器上重新生成一个：": (
        "The link is incomplete or was altered. Make a new one on the server:"
    ),
    "配置有错误": "The config has errors",
    "config.toml 现在不能用，而且没有旧的可用版本。下面的命令会指出每一处错误：": (
        "config.toml cannot be used and there is no earlier good version. This names every error:"
    ),
    "数据库暂时不可用": "The database is unavailable",
    "请稍后再试。如果刚刚安装或升级过，请先运行：": "Try again later. After an installation or upgrade, run first:",
    "config.toml 有 {n} 处错误，没有生效，仍按上一份正确的配置运行。": (
        "config.toml has {n} errors and was not taken; the last good version stays in force."
    ),
    # The day, and links
    "今天要跟进": "To do today",
    "今天要跟进 {n} 位": "{n} to follow up today",
    "都跟进完了，休息一下吧": "All done. Take a break.",
    "复制链接": "Copy link",
    "已复制链接，客户打开后会记下来": "Link copied; an opening is noted",
    "小程序": "Mini-program",
    "图片": "Picture",
    "文件": "File",
    "已在对话里看到": "Seen in the conversation",
    "这一步用企业群发：在企业微信的群发助手里确认，就会发给所有到时间的客户。": (
        "This step is a mass message: confirm it in WeCom's group messaging and it goes to all whose time has come."
    ),
}
