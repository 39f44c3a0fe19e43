"""Deeds that one denies and is charged for all the same, and more words of putting off: (sentence, keyword, hit)."""

from __future__ import annotations

CASES: tuple[tuple[str, str, bool], ...] = (
    # the speaker has not done it, yet it is taken for done: nothing is wanted
    ("我没开通会员怎么扣了我十八块", "会员", False),
    ("我都没报名咋还催我交费啊", "报名", False),
    ("我没点外卖凭什么算我头上", "外卖", False),
    ("我没订机票啊为啥给我发出票短信", "机票", False),
    ("我們沒租車怎麼收我們違章費", "租车", False),
    ("我从来没买过保险怎么显示已投保", "保险", False),
    ("俺没续费咋又划了俺一笔", "续费", False),
    # the speaker has not got it, and cannot go on without it
    ("我没试用怎么知道好不好", "试用", True),
    ("我没看房怎么敢交定金", "看房", True),
    ("我没课表怎么安排接送", "课表", True),
    ("没给我开发票怎么还收我税点", "发票", True),
    # put off
    ("装宽带的事撂一撂吧", "宽带", False),
    ("牙套先撂着", "牙套", False),
    ("团建先晾一晾", "团建", False),
    ("留学的事往后挪一挪", "留学", False),
    ("团建先晾一晾，酒店报价先发我", "报价", True),
    # known well enough
    ("年审流程我门儿清 不用再给我讲了", "年审", False),
    ("月子餐搭配我一清二楚，别再给我说了", "月子餐", False),
    ("年审流程我还没弄清，再给我讲讲", "年审", True),
)
